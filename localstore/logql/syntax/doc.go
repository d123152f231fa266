// Package syntax is LogQL's grammar: it turns the text of a query into a tree
// and a tree back into text.
//
// Parse promises that it never panics, that its depth and input are bounded,
// that every fault is an [Error] with the line and column where it was noticed,
// and that the text printed from a tree parses to an equal tree again. Grammar
// and messages follow Loki's public documentation.
//
// The package knows nothing of data: it does not evaluate and does not look at
// streams.
package syntax
