// Package pipeline runs the stages of a LogQL query over single entries: line
// filters, parsers, label filters and formatters.
//
// A [Pipeline] is compiled once a query and used by one goroutine. Lines and
// values are not copied on their way through: what [Pipeline.Process] returns
// and what the [Set] holds is valid until the next call. Lines and labels are
// never put into error messages except into the labels __error__ and
// __error_details__, which belong to the answer and not to any log.
//
// The package does not read streams, does not know time ranges and does not
// aggregate.
package pipeline
