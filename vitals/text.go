package vitals

import (
	"cmp"
	"strings"
)

// A line of text says its severity at its head, before the message begins:
//
//	2024-01-01 12:00:00,123 [main] ERROR com.example.Orders - refused
//	E0102 15:04:05.000000       1 orders.go:12] refused
//	<3>refused
//	error: refused
//
// A word of the message is no severity ("no errors found"), so a word counts
// only where a logger writes it, and as a logger writes it:
//
//   - at the start, or after what is not prose: a time, a number, something in
//     brackets, a separator, or what ends in a colon, with few words in between,
//     such as a host's or a logger's name;
//   - in capitals (ERROR), alone in brackets ([error], [core:error]), or before a
//     colon (error:) that no count or "none" follows;
//   - or as PHP writes its own, in one or two words between "PHP" and a colon with
//     two blanks (PHP Fatal error:  Uncaught), also where FPM calls all of them a
//     notice.
//
// A quotation ends the head. What is in doubt has no severity.
const (
	maxHeadBytes = 200
	maxHeadWords = 12
	maxHeadNames = 3
)

func severityFromHead(line string) severity {
	head := line[:min(len(line), maxHeadBytes)]
	if end := strings.IndexByte(head, '"'); end >= 0 {
		head = head[:end]
	}
	if end := strings.IndexByte(head, '\n'); end >= 0 {
		head = head[:end]
	}
	if s := severityFromPrefix(head); s != unspecified {
		return s
	}
	names, mayBe := 0, true
	for range maxHeadWords {
		var word string
		word, head = nextWord(head)
		if word == "" {
			return unspecified
		}
		if mayBe {
			if s := cmp.Or(severityFromPHP(word, head), severityFromWord(word, head)); s != unspecified {
				return s
			}
		}
		if mayBe = !isProse(word); !mayBe {
			if names++; names > maxHeadNames {
				return unspecified
			}
		}
	}
	return unspecified
}

// severityFromPrefix knows the three shapes that have no word: syslog's and
// systemd's priority, klog's and glog's letter before the date, and Ruby's
// letter before the bracket.
func severityFromPrefix(head string) severity {
	if len(head) < 3 {
		return unspecified
	}
	switch {
	case head[0] == '<':
		n, i := 0, 1
		for ; i < len(head) && i < 4 && isDigit(head[i]); i++ {
			n = n*10 + int(head[i]-'0')
		}
		if i > 1 && i < len(head) && head[i] == '>' && n <= 191 {
			return severityFromPriority(n % 8)
		}
	case len(head) > 8 && head[5] == ' ' && isDigit(head[1]) && isDigit(head[2]) && isDigit(head[3]) && isDigit(head[4]) && isDigit(head[6]):
		return severityFromLetter(head[0])
	case strings.HasPrefix(head[1:], ", ["):
		return severityFromLetter(head[0])
	}
	return unspecified
}

// severityFromPriority reads syslog's scale, RFC 5424 section 6.2.1.
func severityFromPriority(n int) severity {
	return [...]severity{fatal, fatal, fatal, errorSeverity, warn, info, info, debug}[n]
}

func severityFromLetter(c byte) severity {
	switch c {
	case 'D':
		return debug
	case 'I':
		return info
	case 'W':
		return warn
	case 'E':
		return errorSeverity
	case 'F':
		return fatal
	}
	return unspecified
}

// severityFromWord reads one word of the head, without what stands around it.
// The rest of the head follows it.
func severityFromWord(word, rest string) severity {
	start := 0
	for start < len(word) && (word[start] == '[' || word[start] == '(' || word[start] == '|') {
		start++
	}
	if start == len(word) || isDigit(word[start]) {
		return unspecified
	}
	inBrackets := start > 0 && word[start-1] != '|'
	word = word[start:]
	// The severity is the first part of a word or the last: [ERROR/MainProcess],
	// ERROR:root:, [core:error], production.ERROR:.
	if first, _, more := strings.Cut(word, ":"); more && isUpper(first) {
		if s := severityFromText(first); s != unspecified {
			return s
		}
	}
	end := len(word)
	for end > 0 && closes(word[end-1]) {
		end--
	}
	bare, after := word[:end], word[end:]
	if i := strings.LastIndexByte(bare, '.'); i >= 0 && !isUpper(bare[i+1:]) {
		return unspecified
	}
	bare = bare[strings.LastIndexByte(bare, '.')+1:]
	bare = bare[strings.LastIndexByte(bare, ':')+1:]
	if i := strings.IndexByte(bare, '/'); i >= 0 {
		bare, after = bare[:i], ""
	}
	s := severityFromText(bare)
	switch {
	case s == unspecified:
	case isUpper(bare):
		return s
	case inBrackets && strings.HasPrefix(after, "]"), inBrackets && strings.HasPrefix(after, ")"):
		return s
	case strings.HasPrefix(after, ":") && !countsNothing(rest):
		return s
	}
	return unspecified
}

// severityFromPHP reads "PHP", a level, and a colon with two blanks, which no
// prose has. The levels are worth what PHP gives them in syslog; a fatal error
// ends a request and not the service.
func severityFromPHP(word, rest string) severity {
	if within, ok := strings.CutPrefix(rest, " PHP message: "); ok && word == "NOTICE:" {
		word, rest = nextWord(within) // FPM's
	}
	if word != "PHP" {
		return unspecified
	}
	level, message, _ := strings.Cut(rest, ":")
	if !strings.HasPrefix(message, "  ") {
		return unspecified
	}
	switch level {
	case " Fatal error", " Recoverable fatal error", " Parse error":
		return errorSeverity
	case " Warning":
		return warn
	case " Notice", " Strict Standards", " Deprecated":
		return info
	}
	return unspecified
}

// closes are the characters that may follow a severity.
func closes(c byte) bool {
	return c == ']' || c == ')' || c == '|' || c == ',' || c == ':' || c == '-'
}

// countsNothing says that what follows a colon is a value and no message:
// "error: 0", "errors: none".
func countsNothing(rest string) bool {
	word, _ := nextWord(rest)
	switch word = strings.TrimRight(word, ",.;"); strings.ToLower(word) {
	case "", "none", "no", "nil", "null", "<nil>", "false", "true", "ok":
		return true
	}
	return strings.Trim(word, "0123456789.%") == ""
}

// isProse says that a word may be part of a message: letters, and nothing that
// loggers write around their names.
func isProse(word string) bool {
	if closes(word[len(word)-1]) && word[len(word)-1] != ',' || word[0] == '[' || word[0] == '(' {
		return false
	}
	for i := range len(word) {
		if isDigit(word[i]) {
			return false
		}
	}
	return true
}

// nextWord cuts the head at blanks; what colours a terminal is a blank, too.
func nextWord(head string) (word, rest string) {
	i := 0
	for i < len(head) {
		switch {
		case head[i] == 0x1b:
			i = afterEscape(head, i)
		case head[i] <= ' ':
			i++
		default:
			start := i
			for i < len(head) && head[i] > ' ' {
				i++
			}
			return head[start:i], head[i:]
		}
	}
	return "", ""
}

// afterEscape is the index behind a terminal's escape sequence.
func afterEscape(s string, i int) int {
	for i++; i < len(s); i++ {
		if c := s[i] | 0x20; c >= 'a' && c <= 'z' {
			return i + 1
		}
	}
	return len(s)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isUpper(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return s != ""
}
