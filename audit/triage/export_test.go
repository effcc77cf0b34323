package triage

// Setup holds a server against the rules that stand for more than a moment.
func Setup(o *Observation) Diagnosis { return diagnose(newPair(o), standing()) }
