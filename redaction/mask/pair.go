package mask

import (
	"errors"
	"fmt"
	"strings"
)

// keyRule says how a key's name is compared.
type keyRule struct {
	whole bool // the customer's: nothing of a word before it
	short bool // a word's start or a new word in camel case before it
	twice bool // its value may be two words, as in authorization: Basic abc
}

// keyNames are the built-in ones. A name may have anything before it
// (db_password, mytoken), a short one only a new word (DB_PWD, dbPwd, not cpwd).
var keyNames = strings.Fields(`
	password passwd passphrase passcode passwort pwd pass secret token apikey api_key api-key accesskey access_key
	access-key secretkey secret_key secret-key privatekey private_key private-key accountkey account_key sharedaccesskey
	shared_key auth_key authkey signing_key signingkey encryption_key encryptionkey credential credentials authorization
	signature sig session_id sessionid otp cvv cvc pin`)

// keyLiterals has the customer's names, and the built-in ones if they are wanted.
func keyLiterals(builtIn bool, own []string) (all []literal) {
	for _, name := range keyNames {
		if !builtIn {
			break
		}
		all = append(all, literal{text: name, kind: kindKey, fold: true, key: &keyRule{short: len(name) < 5, twice: name == "authorization"}})
	}
	for _, name := range own {
		all = append(all, literal{text: strings.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return r
		}, name), kind: kindKey, fold: true, key: &keyRule{whole: true}})
	}
	return all
}

func isPath(key string) bool { return strings.Contains(key, ".") }

// checkKey refuses what cannot be looked for.
func checkKey(key string) error {
	switch {
	case len(key) < 2:
		return fmt.Errorf("key %q is too short: write at least two characters", key)
	case len(key) > 128:
		return errors.New("a key is too long: write at most 128 characters")
	case isPath(key):
		if strings.ContainsAny(key, "@|!{[()*?\\\"") || strings.HasPrefix(key, ".") || strings.HasSuffix(key, ".") || strings.Contains(key, "..") {
			return fmt.Errorf("key %q is no plain path: write names with dots between, and # for each element of an array", key)
		}
		return nil
	}
	digitsOnly := true
	for i := range len(key) {
		switch c := key[i]; {
		case c <= ' ' || c == 0x7f || strings.IndexByte(`"'\=:<>{}[],;&`, c) >= 0:
			return fmt.Errorf("key %q has a character that ends a key: write the name alone", key)
		case !is(c, digit):
			digitsOnly = false
		}
	}
	if digitsOnly {
		return fmt.Errorf("key %q has digits only: write a name", key)
	}
	return nil
}

// findPair looks whether the name from start to end is a key with a value
// behind it:
//
//	name ] \" blanks => blanks \" value \"
//
// where the bracket, the quotes and the backslashes before them may be missing,
// and := == : > = may stand for =>.
func findPair(p []byte, start, end int, k *keyRule, f *found) {
	if !k.begins(p, start) {
		return
	}
	at := end
	if at < len(p) && p[at] == ']' {
		at++
	}
	quote, _ := quoteAt(p, at)
	quoted := quote > at
	at = skipBlanks(p, quote)
	if at >= len(p) {
		return
	}
	xml := false
	switch c := p[at]; {
	case c == '>' && at == end && (start == 0 || constantAt(p[start-1:]) == 0):
		xml = true
		at++
	case (c == '=' || c == ':') && at+1 < len(p) && (p[at+1] == '>' && c == '=' || p[at+1] == '='):
		at += 2
	case c == '=' || c == ':':
		at++
	default:
		f.looked += at - end
		return
	}
	at = skipBlanks(p, at)
	f.looked += at - end
	if at < len(p) {
		findValue(p, at, xml, quoted, k.twice, f)
	}
}

// findValue looks at the value at i.
func findValue(p []byte, i int, xml, quotedKey, twice bool, f *found) {
	if i < f.valueDone {
		return
	}
	if first, slashes := quoteAt(p, i); first > i {
		stop := closing(p, first, p[first-1], slashes)
		f.looked += stop - i
		f.valueDone = stop
		if !inert(p[first:stop]) {
			f.add(first, stop, Secret)
		}
		return
	}
	if quotedKey && (p[i] == '{' || p[i] == '[') {
		stop := balanced(p, i)
		f.looked += stop - i
		f.valueDone = stop
		f.add(i, stop, Secret)
		return
	}
	stop := i
	if xml {
		for stop < len(p) && p[stop] != '\n' && (p[stop] != '<' || constantAt(p[stop:]) > 0) {
			stop++
		}
	} else {
		stop = bareEnd(p, i, quotedKey)
		if twice && run(p, i, token) == stop && stop < len(p) && p[stop] == ' ' {
			stop = bareEnd(p, stop+1, quotedKey)
		}
	}
	f.looked += stop - i
	f.valueDone = stop
	switch string(p[i:min(stop, i+6)]) {
	case "null", "nil", "none", "None", "true", "false", "NULL":
		return
	}
	if !inert(p[i:stop]) {
		f.add(i, stop, Secret)
	}
}

// bareEnd is where a value without quotes ends. Behind a key with quotes it is
// JSON's, and a closing brace or bracket ends it too.
func bareEnd(p []byte, i int, quotedKey bool) int {
	for i < len(p) && (is(p[i], bare) || p[i] == '\\' && !escapes(p, i)) && !(quotedKey && (p[i] == '}' || p[i] == ']')) {
		i++
	}
	return i
}

// quoteAt is where a quote that begins at i, perhaps after backslashes as in
// JSON inside of a string, ends, or i; and how many backslashes it has.
func quoteAt(p []byte, i int) (end, slashes int) {
	at := i
	for at < len(p) && p[at] == '\\' && at-i < 7 {
		at++
	}
	if at < len(p) && (p[at] == '"' || p[at] == '\'' || p[at] == '`') {
		return at + 1, at - i
	}
	return i, 0
}

// escapes says that the backslash at i is the start of an escaped quote, line
// end or tab, and so of what comes behind a bare value.
func escapes(p []byte, i int) bool {
	if i+1 >= len(p) {
		return true
	}
	switch p[i+1] {
	case '"', '\'', '\\', 'n', 'r', 't', '\n', '\r':
		return true
	}
	return false
}

func skipBlanks(p []byte, i int) int {
	for end := i + 8; i < len(p) && i < end && is(p[i], blank); i++ {
	}
	return i
}

// closing is where the value that began with slashes backslashes and a quote
// ends: before the same again. A quote with more is inside the value, unless the
// backslashes before it are themselves escaped; one with fewer ends what is
// around. A line's end or the record's ends it too.
func closing(p []byte, i int, quote byte, slashes int) int {
	count := 0
	for ; i < len(p); i++ {
		switch p[i] {
		case '\\':
			count++
			continue
		case quote:
			if count < slashes || count%(2*(slashes+1)) == slashes {
				return i - min(count, slashes)
			}
		case '\n':
			return i - count
		}
		count = 0
	}
	return len(p) - count
}

// balanced is where the object or array at i ends, or the record.
func balanced(p []byte, i int) int {
	depth := 0
	for ; i < len(p); i++ {
		switch p[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			for i++; i < len(p) && p[i] != '"'; i++ {
				if p[i] == '\\' {
					i++
				}
			}
		}
	}
	return len(p)
}
