package syntax

// validate checks what the grammar cannot say.
func validate(root Expr) *Error {
	var fault *Error
	note := func(err *Error) {
		if fault == nil {
			fault = err
		}
	}
	if l, ok := root.(*LogExpr); ok {
		for _, s := range l.Stages {
			if _, ok := s.(*Unwrap); ok {
				note(whole("unwrap is only allowed in a range aggregation"))
			}
		}
	}
	Walk(root, func(e Expr) {
		switch e := e.(type) {
		case *LogExpr:
			note(selective(e))
		case *RangeAggregation:
			note(validateRange(e))
		}
	})
	return fault
}

// selective demands a matcher that an absent label would not satisfy, so that a
// query cannot select every stream by accident.
func selective(e *LogExpr) *Error {
	for _, m := range e.Matchers {
		if !m.Matches("") {
			return nil
		}
	}
	return whole(errNoSelectiveMatcher)
}

func validateRange(e *RangeAggregation) *Error {
	rule := rangeOps[e.Op]
	unwrapped := false
	for _, s := range e.Log.Stages {
		switch s.(type) {
		case *Unwrap:
			if unwrapped {
				return whole("only one unwrap is allowed in a range aggregation")
			}
			unwrapped = true
		case *LabelFilter:
		default:
			if unwrapped {
				return whole("only label filters are allowed after unwrap")
			}
		}
	}
	switch {
	case e.Range == 0:
		return whole("range aggregation %s without a range", e.Op)
	case unwrapped && rule.unwrap == never:
		return whole("invalid aggregation %s with unwrap", e.Op)
	case !unwrapped && rule.unwrap == always:
		return whole("invalid aggregation %s without unwrap", e.Op)
	case e.Grouping != nil && !rule.grouping:
		return whole("grouping not allowed for %s aggregation", e.Op)
	}
	return nil
}
