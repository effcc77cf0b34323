package infer

// KeySets are the key sets that inference is measured by, of about n keys each.
func KeySets(n int) map[string][]string {
	return map[string][]string{
		"shop": demoShop(newGen(1)), "audit": auditSet(newGen(42), n), "saas": saasSet(n).keys, "frameworks": frameworkSet(n).keys,
		"unseen": unseenSet(n).keys,
	}
}
