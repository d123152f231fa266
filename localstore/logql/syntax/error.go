package syntax

import (
	"errors"
	"fmt"
)

// Error is a fault in the text of a query. Line and Col count from one and are
// zero when the fault belongs to the query as a whole, as Loki has it.
type Error struct {
	Msg  string
	Line int
	Col  int
}

func (e *Error) Error() string {
	if e.Line == 0 && e.Col == 0 {
		return "parse error : " + e.Msg
	}
	return fmt.Sprintf("parse error at line %d, col %d: %s", e.Line, e.Col, e.Msg)
}

// IsError says whether err comes from the text of a query.
func IsError(err error) bool {
	var e *Error
	return errors.As(err, &e) || errors.Is(err, errOnlyMatchers)
}

// errOnlyMatchers is no fault of reading: a query was asked where a selector is
// wanted. It is worded as Loki words it.
var errOnlyMatchers = errors.New("only label matchers are supported")

// errNoSelectiveMatcher is worded as Loki words it: people search for it.
const errNoSelectiveMatcher = `queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~".*" does not meet this requirement, but app=~".+" will`

func whole(format string, args ...any) *Error {
	return &Error{Msg: fmt.Sprintf(format, args...)}
}
