package config

// Schema returns the JSON Schema of the file, for editors.
func Schema() map[string]any {
	s := schemaOf(&key{kind: mapping, keys: top(), doc: "Configuration of kvtool: .kvtool.yaml of a project, or kvtool/config.yaml of a user."})
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = ".kvtool.yaml"
	return s
}

func schemaOf(k *key) map[string]any {
	s := map[string]any{}
	if k.kind == typed {
		s = k.value(&File{}).Form()
	}
	if k.doc != "" {
		s["description"] = k.doc
	}
	switch k.kind {
	case text:
		s["type"], s["minLength"] = "string", 1
		if k.values != nil {
			delete(s, "minLength")
			s["enum"] = k.values
		}
	case command:
		word := map[string]any{"type": "string"}
		s["anyOf"] = []any{map[string]any{"type": "string", "minLength": 1}, map[string]any{"type": "array", "minItems": 1, "items": word}}
	case boolean:
		s["type"] = "boolean"
	case version:
		s["const"] = 1
	case rate:
		s["anyOf"] = []any{map[string]any{"type": "string", "pattern": rateForm}, map[string]any{"type": "number", "minimum": 1}}
	case impact:
		s["type"], s["pattern"] = "string", impactForm
	case percent:
		s["type"], s["pattern"] = "string", percentForm
	case days:
		s["type"], s["minimum"], s["maximum"] = "integer", 1, 9999
	case mapping:
		s["type"], s["properties"], s["additionalProperties"] = "object", properties(k.keys), false
	case profiles:
		one := map[string]any{"type": "object", "properties": properties(k.keys), "additionalProperties": false}
		one["oneOf"] = []any{map[string]any{"required": []string{"url"}}, map[string]any{"required": []string{"targets_command"}}}
		s["type"], s["additionalProperties"] = "object", one
		s["propertyNames"] = map[string]any{"pattern": nameForm}
	}
	return s
}

func properties(keys []key) map[string]any {
	p := map[string]any{}
	for i := range keys {
		if !keys[i].later {
			p[keys[i].name] = schemaOf(&keys[i])
		}
	}
	return p
}
