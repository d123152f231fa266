package patterns

import "bytes"

const (
	// maxLine is how much of a line is looked at; a pattern of a longer one
	// ends in a wildcard.
	maxLine = 2 << 10
	// wordMark stands for a word in a frame. A NUL in a line belongs to its
	// word, so a frame holds no other.
	wordMark = 0
)

// splitter takes lines apart; its slices are used again.
type splitter struct {
	// frame is the line with a mark for each word. Two marks in a row, which
	// words never make, end the frame of a line that is too long.
	frame []byte
	words []word
}

// word is a view of the line.
type word struct {
	text  []byte
	digit bool // has one
}

func (s *splitter) split(line []byte) {
	s.frame, s.words = s.frame[:0], s.words[:0]
	open := len(line) > maxLine
	if open {
		line = line[:maxLine]
	}
	for i := 0; i < len(line); {
		if separates[line[i]] || joins(line, i) {
			s.frame = append(s.frame, line[i])
			i++
			continue
		}
		start, digit := i, false
		for i < len(line) && !separates[line[i]] && (!joins(line, i) || digit && number(line, i)) {
			digit = digit || isDigit(line[i])
			i++
		}
		if open && i == len(line) {
			break // cut somewhere within
		}
		if text := line[start:i]; !digit && isKey(text, line[i:]) {
			s.frame = append(s.frame, text...)
		} else {
			s.frame = append(s.frame, wordMark)
			s.words = append(s.words, word{text, digit})
		}
	}
	if open {
		s.frame = append(s.frame, wordMark, wordMark)
	}
}

// joins says whether there is punctuation that parts words in most places and
// joins them in some.
func joins(line []byte, i int) bool { return line[i] == ':' || line[i] == ',' }

// number says whether punctuation stands in a number, a time or an address:
// 1,5 or 10:15:30 or 2001:db8::1.
func number(line []byte, i int) bool {
	if i+1 == len(line) {
		return false
	}
	next := line[i+1]
	return isDigit(next) || line[i] == ':' && (next == ':' || 'a' <= next && next <= 'f')
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isKey says whether a word names the value that follows.
func isKey(text, rest []byte) bool {
	return (bytes.HasPrefix(rest, []byte(`=`)) || bytes.HasPrefix(rest, []byte(`":`))) && bytes.IndexByte(text, wordMark) < 0
}

// separates are bytes that are in no word.
var separates = func() (set [256]bool) {
	for _, c := range []byte(" \t\r\n=;\"'`()[]{}|<>&?\\") {
		set[c] = true
	}
	return set
}()
