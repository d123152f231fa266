package patterns

import "encoding/binary"

// cluster is lines of one frame that are alike.
type cluster struct {
	level, frame string
	words        []slot
	route        []int // the words that led here
	total        int64
	first        int     // the bucket of the first line
	counts       []int64 // by bucket, once there is a second
	born         int     // to keep an order
}

// slot is a word of a template.
type slot struct {
	text   string
	digit  bool
	any    bool // it differs from line to line
	joined bool // and leads nowhere for that
}

// similar is the share of the template's fixed words that a line has. Numbers
// have no say, nor has what is known to vary.
func (c *cluster) similar(words []slot) float64 {
	same, all := 0, 0
	for i := range words {
		mine, other := &c.words[i], &words[i]
		switch {
		case mine.any, other.any:
		case mine.text == other.text:
			same++
			all++
		case mine.digit && other.digit:
		default:
			all++
		}
	}
	if all == 0 {
		return 1
	}
	return float64(same) / float64(all)
}

// widen makes wildcards of the words that differ.
func (c *cluster) widen(words []slot) {
	for i := range words {
		mine, other := &c.words[i], &words[i]
		mine.any = mine.any || other.any || mine.text != other.text
		mine.joined = mine.joined || other.joined
	}
}

func (c *cluster) count(bucket int, n int64, buckets int) {
	switch {
	case c.total == 0:
		c.first = bucket
	case c.counts == nil:
		c.counts = make([]int64, buckets)
		c.counts[c.first] = c.total
	}
	if c.counts != nil {
		c.counts[bucket] += n
	}
	c.total += n
}

// absorb joins a cluster that is alike.
func (c *cluster) absorb(o *cluster, buckets int) {
	c.widen(o.words)
	if o.counts == nil {
		c.count(o.first, o.total, buckets)
		return
	}
	for b, n := range o.counts {
		if n > 0 {
			c.count(b, n, buckets)
		}
	}
}

// key leads to the root of the tree for lines of this level and frame.
func (c *cluster) key() string { return string(appendKey(nil, c.level, c.frame)) }

func appendKey[T string | []byte](b []byte, level string, frame T) []byte {
	b = append(binary.AppendUvarint(b, uint64(len(level))), level...)
	return append(b, frame...)
}
