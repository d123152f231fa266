package main

import (
	"embed"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"
)

//go:embed questions/*.txt
var questionFiles embed.FS

// question is one request that both servers are asked.
type question struct {
	name   string // as docs/logql.md names it: group: query or path
	group  string
	path   string
	form   url.Values
	header string // X-Loki-Response-Encoding-Flags
	post   bool
	query  string
	// ties says that elements are in the order of their values, so that those
	// of equal value have none.
	ties bool
}

// questions reads the tables. In a file, a line that begins with
//
//	#   is a comment,
//	@   is a request for each of the queries below: a path and parameters;
//	    several of them in a row are several requests for each,
//	=   is a request by itself, with its query if it has one.
//
// Any other line is a query. T+1m in a value is that instant in nanoseconds,
// S+1m in seconds, F+1m in seconds with a fraction, R+1m in RFC 3339; all since
// the corpus' begin. A + between parameters stands alone: values are not
// escaped, and a value with a space is put in single quotes.
func questions(begin time.Time) ([]question, error) {
	files, err := questionFiles.ReadDir("questions")
	if err != nil {
		return nil, err
	}
	var all []question
	for _, f := range files {
		b, err := questionFiles.ReadFile("questions/" + f.Name())
		if err != nil {
			return nil, err
		}
		group := strings.TrimSuffix(path.Base(f.Name()), ".txt")
		var shapes []string
		fresh := true
		for i, line := range strings.Split(string(b), "\n") {
			line = strings.TrimRight(line, " ")
			switch {
			case line == "", strings.HasPrefix(line, "#"):
			case strings.HasPrefix(line, "@ "):
				if !fresh {
					shapes = nil
				}
				shapes, fresh = append(shapes, line[2:]), true
			case strings.HasPrefix(line, "= "):
				q, err := request(group, line[2:], begin)
				if err != nil {
					return nil, fmt.Errorf("%s:%d: %w", f.Name(), i+1, err)
				}
				q.name = group + ": " + line[2:]
				all = append(all, q)
			default:
				fresh = false
				if len(shapes) == 0 {
					return nil, fmt.Errorf("%s:%d: no request stands above this query", f.Name(), i+1)
				}
				query := strings.NewReplacer(`\e`, "\x1b").Replace(line)
				for _, shape := range shapes {
					q, err := request(group, shape, begin)
					if err != nil {
						return nil, fmt.Errorf("%s:%d: %w", f.Name(), i+1, err)
					}
					q.form.Set("query", query)
					q.query, q.ties = query, ordered.MatchString(query)
					q.name = group + ": " + line
					all = append(all, q)
				}
			}
		}
	}
	return all, nil
}

var (
	ordered   = regexp.MustCompile(`\b(topk|bottomk|sort|sort_desc)\b`)
	instant   = regexp.MustCompile(`^([TSFR])([+-][0-9hms.]+)$`)
	parameter = regexp.MustCompile(`([A-Za-z_\[\]]+)=('[^']*'|\S*)`)
)

func request(group, text string, begin time.Time) (question, error) {
	q := question{group: group, form: url.Values{}}
	target, rest, _ := strings.Cut(text, " ")
	if target == "POST" {
		q.post = true
		target, rest, _ = strings.Cut(rest, " ")
	}
	q.path = "/loki/api/v1/" + target
	for _, m := range parameter.FindAllStringSubmatch(rest, -1) {
		name, value := m[1], strings.Trim(m[2], "'")
		if name == "flags" {
			q.header = value
			continue
		}
		if at := instant.FindStringSubmatch(value); at != nil {
			d, err := time.ParseDuration(at[2])
			if err != nil {
				return q, err
			}
			t := begin.Add(d)
			switch at[1] {
			case "T":
				value = fmt.Sprint(t.UnixNano())
			case "S":
				value = fmt.Sprint(t.Unix())
			case "F":
				value = fmt.Sprintf("%.3f", float64(t.UnixMilli())/1000)
			case "R":
				value = t.UTC().Format(time.RFC3339Nano)
			}
		}
		if name == "query" {
			q.query, q.ties = value, ordered.MatchString(value)
		}
		q.form.Add(name, value)
	}
	return q, nil
}
