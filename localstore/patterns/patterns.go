package patterns

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"unsafe"
)

// Options bound what is found.
type Options struct {
	Buckets int // of time, into which lines are counted
	Limit   int // patterns in the answer; twice as many are held
	Exact   int // lines looked at one by one before any is left out; zero means a million
}

// Pattern is one kind of line.
type Pattern struct {
	Text   string // for |>, with <_> for what varies
	Level  string
	Counts []int64 // lines, by bucket
	Total  int64
}

// Finder takes lines in, one goroutine at a time.
type Finder struct {
	o     Options
	tree  tree
	lines uint64
	born  int // clusters
	// For the line at hand:
	split splitter
	words []slot
	route []int
	key   []byte
}

// NewFinder returns a finder without lines.
func NewFinder(o Options) *Finder {
	if o.Exact == 0 {
		o.Exact = 1_000_000
	}
	return &Finder{o: o, tree: tree{roots: map[string]*node{}, buckets: o.Buckets}}
}

// Add takes a line in, or leaves it out in favour of others. An empty line has no
// pattern.
func (f *Finder) Add(line []byte, level string, bucket int) {
	if len(line) == 0 {
		return
	}
	weight := f.weight()
	f.lines++
	if weight == 0 {
		return
	}
	f.split.split(line)
	f.words, f.route = f.words[:0], f.route[:0]
	for i, w := range f.split.words {
		f.words = append(f.words, slot{text: view(w.text), digit: w.digit})
		if !w.digit && len(f.route) < depth {
			f.route = append(f.route, i)
		}
	}
	f.key = appendKey(f.key[:0], level, f.split.frame)
	leaf, c := f.tree.place(view(f.key), f.words, f.route)
	if c == nil {
		c = f.newCluster(level)
		leaf.clusters = append(leaf.clusters, c)
		f.tree.clusters++
	}
	c.widen(f.words)
	c.count(bucket, weight, f.o.Buckets)
	if f.tree.clusters > 2*f.o.Limit {
		f.tree.prune(f.o.Limit)
	}
}

// newCluster makes a cluster of the line at hand.
func (f *Finder) newCluster(level string) *cluster {
	f.born++
	c := &cluster{
		frame: string(f.split.frame), level: strings.Clone(level),
		words: slices.Clone(f.words), route: slices.Clone(f.route), born: f.born,
	}
	for i := range c.words {
		c.words[i].text = strings.Clone(c.words[i].text)
	}
	return c
}

// weight is how many lines the next one stands for; zero: others stand for it.
func (f *Finder) weight() int64 {
	octave := bits.Len64(f.lines / uint64(f.o.Exact))
	if draw(f.lines)&(1<<octave-1) != 0 {
		return 0
	}
	return 1 << octave
}

// draw spreads the number of a line over 64 bits (the finalizer of splitmix64).
func draw(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// Patterns are those with the most lines, the most frequent first.
func (f *Finder) Patterns() []Pattern {
	var out []Pattern
	at := map[[2]string]int{}
	for _, c := range f.tree.all() {
		key := [2]string{c.text(), c.level}
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, Pattern{Text: key[0], Level: c.level, Counts: make([]int64, f.o.Buckets)})
		}
		p := &out[i]
		if c.counts == nil {
			p.Counts[c.first] += c.total
		}
		for b, n := range c.counts {
			p.Counts[b] += n
		}
		p.Total += c.total
	}
	slices.SortFunc(out, func(a, b Pattern) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Text, b.Text), cmp.Compare(a.Level, b.Level))
	})
	return out[:min(len(out), f.o.Limit)]
}

// view is for looking things up while the line stays as it is.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
