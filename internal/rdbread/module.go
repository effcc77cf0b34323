package rdbread

import "github.com/kvtool/kvtool/kv"

// Opcodes inside a module's value.
const (
	moduleEOF = iota
	moduleSInt
	moduleUInt
	moduleFloat
	moduleDouble
	moduleString
)

// maxModules bounds how many names of modules are counted apart.
const maxModules = 64

// module reads a module's value. It can be hopped over without the module, but not be modelled: its size is that of the
// serialised form, its number of elements unknown.
func (r *Reader) module() {
	name := moduleName(r.w.number())
	from := r.w.offset()
	r.moduleBody()
	r.rec.Type = kv.Type(name)
	r.rec.Known &^= kv.FieldLen
	r.rec.Size = r.model.Module(r.w.offset() - from)
	if r.sum.Modules == nil {
		r.sum.Modules = map[string]int64{}
	}
	if _, ok := r.sum.Modules[name]; ok || len(r.sum.Modules) < maxModules {
		r.sum.Modules[name]++
	}
}

// moduleAux reads what a module keeps beside keys: ID, a number that says when to load it, its value.
func (r *Reader) moduleAux() {
	r.reading = "a module's section"
	name := moduleName(r.w.number())
	if op := r.w.number(); op != moduleUInt {
		r.w.fail(reasonf("unknown opcode of a module: %d", op))
	}
	r.w.number()
	r.moduleBody()
	if len(r.sum.Aux) < maxModules && r.w.err == nil {
		r.sum.Aux = append(r.sum.Aux, name)
	}
}

func (r *Reader) moduleBody() {
	w := r.w
	for w.err == nil {
		switch op := w.number(); op {
		case moduleEOF:
			return
		case moduleSInt, moduleUInt:
			w.number()
		case moduleFloat:
			w.skip(4)
		case moduleDouble:
			w.skip(8)
		case moduleString:
			w.str()
		default:
			w.fail(reasonf("unknown opcode of a module: %d", op))
		}
	}
}

// moduleName unpacks the name from a module's ID: nine characters of 6 bits, then 10 bits of version.
func moduleName(id uint64) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var b [9]byte
	for i := range b {
		b[i] = alphabet[id>>(58-6*i)&63]
	}
	return string(b[:])
}
