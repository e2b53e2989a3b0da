package graph

import (
	"cmp"
	"math"
	"slices"
)

// Sizes, in pixels.
const (
	nodeGap  = 30.0 // between neighbours
	bendGap  = 18.0
	rankGap  = 26.0
	boxPad   = 16.0 // within a Parallel or Map
	boxHead  = 42.0
	lineHigh = 15.0 // of a label
	minWidth = 96.0
	circle   = 14.0
	notch    = 14.0 // the pointed sides of a Choice
)

// link is a piece of an edge, between neighbouring ranks, leading down.
type link struct {
	from, to *node
	edge     *edge
}

// layout gives every node its size and its place. The method is Sugiyama's:
// break cycles, give ranks, bend long edges, order the ranks against crossings,
// then move the nodes of each rank as near to their neighbours as they can be.
func (g *graph) layout() {
	for _, n := range g.nodes {
		n.size()
	}
	g.breakCycles()
	g.giveRanks()
	g.bendEdges()
	g.orderRanks()
	g.placeX()
	g.placeY()
}

func (n *node) size() {
	switch {
	case n.kind == "start" || n.kind == "end":
		n.w, n.h = circle*2, circle*2
		return
	case len(n.inner) == 0:
		n.w = max(minWidth, textWidth(shorten(n.name, nameLimit), 13, true)+28, textWidth(shorten(n.detail, detailLimit), 11, false)+28)
		n.h = 34
		if n.detail != "" {
			n.h = 48
		}
		if n.kind == "Choice" {
			n.w += 2 * notch
		}
		return
	}
	n.w, n.h = boxPad, 0
	for _, g := range n.inner {
		g.layout()
		n.w += g.w + boxPad
		n.h = max(n.h, g.h)
	}
	head := max(textWidth(n.name, 13, true), textWidth(n.detail, 11, false)) + 2*boxPad + 60
	n.w, n.h = max(n.w, head), n.h+boxHead+boxPad
}

// breakCycles finds the edges that lead back to where a walk came from.
func (g *graph) breakCycles() {
	const open, done = 1, 2
	state := map[*node]int{}
	var walk func(n *node)
	walk = func(n *node) {
		state[n] = open
		for _, e := range g.edges {
			switch {
			case e.from != n:
			case state[e.to] == open:
				e.reversed = true
			case state[e.to] == 0:
				walk(e.to)
			}
		}
		state[n] = done
	}
	for _, n := range g.nodes {
		if state[n] == 0 {
			walk(n)
		}
	}
}

// ends are an edge's upper and lower end.
func (e *edge) ends() (top, bottom *node) {
	if e.reversed {
		return e.to, e.from
	}
	return e.from, e.to
}

// span is how many ranks an edge spans at least: a label needs one of its own,
// and an edge that leads back must not lie on one that leads down.
func (e *edge) span() int {
	if len(e.labels) > 0 || e.reversed {
		return 2
	}
	return 1
}

// giveRanks gives each node the lowest rank below all that lead to it.
func (g *graph) giveRanks() {
	for range g.nodes {
		moved := false
		for _, e := range g.edges {
			if top, bottom := e.ends(); top != bottom && bottom.rank < top.rank+e.span() {
				bottom.rank, moved = top.rank+e.span(), true
			}
		}
		if !moved {
			break
		}
	}
	g.lower()
	last := 0
	for _, n := range g.nodes {
		last = max(last, n.rank)
	}
	g.ranks = make([][]*node, last+1)
	for _, n := range g.nodes {
		g.ranks[n.rank] = append(g.ranks[n.rank], n)
	}
}

// lower moves nodes down that have fewer edges above than below: it makes edges shorter.
func (g *graph) lower() {
	for i := len(g.nodes) - 1; i >= 0; i-- {
		n := g.nodes[i]
		above, below, room := 0, 0, -1
		for _, e := range g.edges {
			top, bottom := e.ends()
			if top == bottom {
				continue
			}
			if bottom == n {
				above++
			}
			if top == n {
				below++
				if slack := bottom.rank - e.span(); room < 0 || slack < room {
					room = slack
				}
			}
		}
		if below > above && room > n.rank {
			n.rank = room
		}
	}
}

// bendEdges puts a bend into every rank that an edge crosses.
func (g *graph) bendEdges() {
	for _, e := range g.edges {
		top, bottom := e.ends()
		if top == bottom {
			continue
		}
		at := top
		for rank := top.rank + 1; rank < bottom.rank; rank++ {
			b := &node{kind: "bend", rank: rank}
			labelled := rank == top.rank+1
			if e.reversed {
				labelled = rank == bottom.rank-1
			}
			if labelled && len(e.labels) > 0 {
				e.label = b
				for _, text := range e.labels {
					b.w = max(b.w, textWidth(shorten(text, labelLimit), 11, false)+10)
				}
				b.h = lineHigh*float64(len(e.labels)) + 4
			}
			g.ranks[rank] = append(g.ranks[rank], b)
			e.link(at, b)
			at = b
		}
		e.link(at, bottom)
	}
}

func (e *edge) link(from, to *node) {
	l := &link{from: from, to: to, edge: e}
	e.links = append(e.links, l)
	from.out = append(from.out, l)
	to.in = append(to.in, l)
}

// orderRanks sorts every rank by where its neighbours are, over and over, and
// keeps the order with the fewest crossings.
func (g *graph) orderRanks() {
	g.number()
	best, fewest := g.snapshot(), g.crossings()
	for turn := 0; turn < 24 && fewest > 0; turn++ {
		down := turn%2 == 0
		for i := range g.ranks {
			rank := i
			if !down {
				rank = len(g.ranks) - 1 - i
			}
			sortByNeighbours(g.ranks[rank], down)
		}
		g.number()
		if n := g.crossings(); n < fewest {
			best, fewest = g.snapshot(), n
		}
	}
	g.ranks = best
	g.number()
}

func (g *graph) snapshot() [][]*node {
	all := make([][]*node, len(g.ranks))
	for i, r := range g.ranks {
		all[i] = slices.Clone(r)
	}
	return all
}

func (g *graph) number() {
	for _, r := range g.ranks {
		for i, n := range r {
			n.order = i
		}
	}
}

func sortByNeighbours(rank []*node, above bool) {
	weight := map[*node]float64{}
	for _, n := range rank {
		weight[n] = float64(n.order)
		sum, count := 0.0, 0
		if above {
			for _, l := range n.in {
				sum, count = sum+float64(l.from.order), count+1
			}
		} else {
			for _, l := range n.out {
				sum, count = sum+float64(l.to.order), count+1
			}
		}
		if count > 0 {
			weight[n] = sum / float64(count)
		}
	}
	slices.SortStableFunc(rank, func(a, b *node) int { return cmp.Compare(weight[a], weight[b]) })
	for i, n := range rank {
		n.order = i
	}
}

// crossings counts the pairs of links that cross.
func (g *graph) crossings() int {
	total := 0
	for _, rank := range g.ranks {
		var links []*link
		for _, n := range rank {
			links = append(links, n.out...)
		}
		for i, a := range links {
			for _, b := range links[i+1:] {
				if (a.from.order-b.from.order)*(a.to.order-b.to.order) < 0 {
					total++
				}
			}
		}
	}
	return total
}

// placeX moves the nodes of each rank towards their neighbours in the ranks
// above and below by turns, in order and without overlaps.
func (g *graph) placeX() {
	for _, rank := range g.ranks {
		x := 0.0
		for i, n := range rank {
			if i > 0 {
				x += apart(rank[i-1], n)
			}
			n.x = x
		}
	}
	for turn := range 48 {
		for i := range g.ranks {
			switch {
			case turn >= 40:
				settle(g.ranks[i], true, true)
			case turn%2 == 0:
				settle(g.ranks[i], true, false)
			default:
				settle(g.ranks[len(g.ranks)-1-i], false, true)
			}
		}
	}
	g.straighten()
	left, right := 0.0, 0.0
	for i, n := range g.all() {
		if i == 0 || n.x-n.w/2 < left {
			left = n.x - n.w/2
		}
		if i == 0 || n.x+n.w/2 > right {
			right = n.x + n.w/2
		}
	}
	for _, n := range g.all() {
		n.x -= left
	}
	g.w = right - left
}

func (g *graph) all() []*node { return slices.Concat(g.ranks...) }

// apart is how far the centres of neighbours are from each other at least.
func apart(a, b *node) float64 {
	gap := nodeGap
	if a.kind == "bend" || b.kind == "bend" {
		gap = bendGap
	}
	return a.w/2 + gap + b.w/2
}

// pull is how strongly a link wants to be straight: long edges most of all.
func (l *link) pull() float64 {
	p := 1.0
	if l.from.kind == "bend" {
		p *= 3
	}
	if l.to.kind == "bend" {
		p *= 3
	}
	switch {
	case l.edge.reversed, l.edge.kind == catch:
		p *= 0.15
	case l.from.kind != "bend" && l.to.kind != "bend":
		p *= 4 // the way that all goes well
	}
	return p
}

// straighten gives the bends of an edge one place, as far as their neighbours let it.
func (g *graph) straighten() {
	for range 4 {
		for _, e := range g.edges {
			for i := 0; i+1 < len(e.links); {
				from, low, high := i, math.Inf(-1), math.Inf(1)
				sum := 0.0
				for ; i+1 < len(e.links); i++ {
					b := e.links[i].to
					l, h := g.room(b)
					if max(low, l) > min(high, h) {
						break
					}
					low, high, sum = max(low, l), min(high, h), sum+b.x
				}
				x := min(max(sum/float64(i-from), low), high)
				for ; from < i; from++ {
					e.links[from].to.x = x
				}
			}
		}
	}
}

// room is where a node can be without changing the order of its rank.
func (g *graph) room(n *node) (low, high float64) {
	rank := g.ranks[n.rank]
	low, high = math.Inf(-1), math.Inf(1)
	if n.order > 0 {
		low = rank[n.order-1].x + apart(rank[n.order-1], n)
	}
	if n.order+1 < len(rank) {
		high = rank[n.order+1].x - apart(n, rank[n.order+1])
	}
	return low, max(low, high)
}

// block is a run of nodes that touch each other.
type block struct {
	sum, weight float64
	count       int
}

// settle puts the nodes of a rank as near as possible to the mean of their
// neighbours: the least squares under the order, found by pooling neighbours
// that are in each other's way.
func settle(rank []*node, above, below bool) {
	var blocks []block
	offsets := make([]float64, len(rank))
	for i, n := range rank {
		if i > 0 {
			offsets[i] = offsets[i-1] + apart(rank[i-1], n)
		}
		want, weight := n.wish(above, below)
		blocks = append(blocks, block{(want - offsets[i]) * weight, weight, 1})
		for k := len(blocks) - 1; k > 0 && blocks[k-1].sum/blocks[k-1].weight > blocks[k].sum/blocks[k].weight; k-- {
			blocks[k-1].sum += blocks[k].sum
			blocks[k-1].weight += blocks[k].weight
			blocks[k-1].count += blocks[k].count
			blocks = blocks[:k]
		}
	}
	i := 0
	for _, b := range blocks {
		for range b.count {
			rank[i].x = b.sum/b.weight + offsets[i]
			i++
		}
	}
}

// wish is where a node would like to be, and how much.
func (n *node) wish(above, below bool) (x, weight float64) {
	sum := 0.0
	if above {
		for _, l := range n.in {
			sum, weight = sum+l.from.x*l.pull(), weight+l.pull()
		}
	}
	if below {
		for _, l := range n.out {
			sum, weight = sum+l.to.x*l.pull(), weight+l.pull()
		}
	}
	if weight == 0 {
		return n.x, 0.1
	}
	return sum / weight, weight
}

// placeY stacks the ranks.
func (g *graph) placeY() {
	y := 0.0
	for i, rank := range g.ranks {
		high := 0.0
		for _, n := range rank {
			high = max(high, n.h)
		}
		if i > 0 {
			y += rankGap
		}
		for _, n := range rank {
			n.y, n.above, n.under = y+high/2, y, y+high
			if n.kind == "bend" && n.h == 0 {
				n.h = high
			}
		}
		y += high
	}
	g.h = y
}
