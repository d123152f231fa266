package policy

// DrawPolicy is for the tests that also need the gate and the table, which this
// package's own tests cannot import.
var DrawPolicy = drawPolicy
