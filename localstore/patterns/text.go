package patterns

import (
	"strings"
	"unicode/utf8"
)

const (
	wildcard = "<_>"
	mark     = string(rune(wordMark))
)

// text writes the template as a pattern for |>.
func (c *cluster) text() string {
	var p printer
	at := 0
	for frame := c.frame; frame != ""; {
		between, rest, more := strings.Cut(frame, mark)
		p.literal(between)
		frame = rest
		switch {
		case !more:
		case strings.HasPrefix(rest, mark):
			p.any(within) // the line goes on
			frame = ""
		case c.words[at].any:
			p.any(within)
			at++
		default:
			p.literal(c.words[at].text)
			at++
		}
	}
	return p.end()
}

// printer writes wildcards and the texts between them.
//
// The filter takes each text where it comes first after the one before. So that
// it finds that text where the line has it and not within what a wildcard stands
// for, a text behind a wildcard must hold a byte that the wildcard's own text does
// not: then no copy of it can begin in there. (A copy that began k bytes before
// the text would make the text repeat itself every k bytes, and those k lack the
// byte.) A text that holds none is taken into the wildcard.
type printer struct {
	out     strings.Builder
	pending string // text since the last wildcard
	stands  breadth
}

// breadth says which bytes the last wildcard does not stand for.
type breadth int

const (
	nothing breadth = iota // there is no wildcard
	within                 // none that separates words
	across                 // no white space
)

func (b breadth) ends(s string) bool {
	for i := range len(s) {
		if b == across && space(s[i]) || b == within && separates[s[i]] {
			return true
		}
	}
	return b == nothing
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func (p *printer) literal(s string) { p.pending += s }

// any writes a wildcard, and before it the text that is pending.
func (p *printer) any(b breadth) {
	if p.flush(); p.stands == nothing {
		p.out.WriteString(wildcard)
	}
	p.stands = max(p.stands, b)
}

func (p *printer) end() string {
	p.flush()
	return p.out.String()
}

// flush writes the text, but for words in it that a pattern cannot say, since it
// would read them as <name> or since they are no text: these become a wildcard.
func (p *printer) flush() {
	s := p.pending
	p.pending = ""
	for s != "" {
		n, bad := sayable(s)
		if p.stands.ends(s[:n]) && n > 0 {
			p.out.WriteString(s[:n])
			p.stands = nothing
		}
		if bad > 0 {
			if p.stands == nothing {
				p.out.WriteString(wildcard)
			}
			p.stands = across
		}
		s = s[n+bad:]
	}
}

// sayable is how much of s can be said as it is, up to white space, and the
// length of what then cannot, up to white space again.
func sayable(s string) (n, bad int) {
	for at := 0; at < len(s); {
		if space(s[at]) {
			at++
			n = at
			continue
		}
		end := at
		for end < len(s) && !space(s[end]) {
			end++
		}
		if w := s[at:end]; !utf8.ValidString(w) || holdsCapture(w) {
			return n, end - n
		}
		at, n = end, end
	}
	return n, 0
}

// holdsCapture looks for <name>.
func holdsCapture(s string) bool {
	for {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			return false
		}
		s = s[open+1:]
		n := 0
		for n < len(s) && (s[n] == '_' || 'a' <= s[n] && s[n] <= 'z' || 'A' <= s[n] && s[n] <= 'Z' || n > 0 && '0' <= s[n] && s[n] <= '9') {
			n++
		}
		if n > 0 && n < len(s) && s[n] == '>' {
			return true
		}
	}
}
