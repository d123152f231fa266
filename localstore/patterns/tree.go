package patterns

import (
	"cmp"
	"slices"
	"strings"
)

const (
	// depth is how many words lead to a leaf.
	depth = 4
	// fanout is how many different words may follow before that word is taken
	// for a variable.
	fanout = 12
	// alike is the least similarity of a line and its cluster, until a leaf has
	// as many clusters as crowded says: then the most similar one takes it.
	alike   = 0.8
	crowded = 32
)

// tree leads to clusters, by level and frame first, then word by word.
type tree struct {
	roots    map[string]*node
	clusters int
	buckets  int
}

type node struct {
	next     map[string]*node // by the next word that leads
	any      *node            // instead of next, once there were too many
	clusters []*cluster       // where no word leads any further
}

// place finds the leaf for a line, and in it the cluster, or nil. The words that
// turn out to be variables on the way become wildcards in words.
func (t *tree) place(key string, words []slot, route []int) (*node, *cluster) {
	root := t.roots[key]
	if root == nil {
		root = &node{}
		t.roots[strings.Clone(key)] = root
	}
	return root.place(t, words, route, 0)
}

// place takes the route from its word d on.
func (n *node) place(t *tree, words []slot, route []int, d int) (*node, *cluster) {
	for ; d < len(route); d++ {
		w := &words[route[d]]
		child := n.next[w.text]
		if n.any == nil && (w.joined || child == nil && len(n.next) >= fanout) {
			n.join(t, d)
		}
		if n.any != nil {
			w.any, w.joined, child = true, true, n.any
		}
		if child == nil {
			if n.next == nil {
				n.next = map[string]*node{}
			}
			child = &node{}
			n.next[strings.Clone(w.text)] = child
		}
		n = child
	}
	var best *cluster
	score := alike
	if len(n.clusters) >= crowded {
		score = 0
	}
	for _, c := range n.clusters {
		if s := c.similar(words); s > score || s == score && best == nil {
			best, score = c, s
		}
	}
	return n, best
}

// join makes one branch of all that leave the node, since the word d of their
// routes is a variable.
func (n *node) join(t *tree, d int) {
	var all []*cluster
	for _, child := range n.next {
		all = child.gather(all)
	}
	slices.SortFunc(all, byAge)
	n.next, n.any = nil, &node{}
	t.clusters -= len(all)
	for _, c := range all {
		w := &c.words[c.route[d]]
		w.any, w.joined = true, true
		t.add(c, func() (*node, *cluster) { return n.any.place(t, c.words, c.route, d+1) })
	}
}

// add puts a cluster where place says, or into the one that is there.
func (t *tree) add(c *cluster, place func() (*node, *cluster)) {
	leaf, same := place()
	if same != nil {
		same.absorb(c, t.buckets)
		return
	}
	leaf.clusters = append(leaf.clusters, c)
	t.clusters++
}

// prune keeps the clusters with the most lines, the older of equals.
func (t *tree) prune(keep int) {
	all := t.all()
	slices.SortStableFunc(all, func(a, b *cluster) int { return cmp.Compare(b.total, a.total) })
	all = all[:min(keep, len(all))]
	slices.SortFunc(all, byAge)
	t.roots, t.clusters = map[string]*node{}, 0
	for _, c := range all {
		t.add(c, func() (*node, *cluster) { return t.place(c.key(), c.words, c.route) })
	}
}

// all are the clusters, the oldest first.
func (t *tree) all() []*cluster {
	var all []*cluster
	for _, root := range t.roots {
		all = root.gather(all)
	}
	slices.SortFunc(all, byAge)
	return all
}

func (n *node) gather(all []*cluster) []*cluster {
	all = append(all, n.clusters...)
	for _, child := range n.next {
		all = child.gather(all)
	}
	if n.any != nil {
		all = n.any.gather(all)
	}
	return all
}

func byAge(a, b *cluster) int { return cmp.Compare(a.born, b.born) }
