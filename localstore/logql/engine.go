package logql

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/promql"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

// Options bound what a query may cost. Zero values are replaced by the defaults
// in brackets.
type Options struct {
	MaxSeries  int           // series in an answer (500)
	MaxEntries int           // entries in an answer (5000)
	MaxPoints  int           // steps in a range query (11,000)
	MaxLines   int64         // lines that a query may read (1,000,000,000)
	MaxBytes   int64         // bytes of lines that a query may read (1 TiB)
	MaxMemory  int64         // bytes a query may hold (256 MiB)
	Timeout    time.Duration // (1 minute)
	// Processors are how many all queries may use together; one that finds no
	// other free works alone (all that the process has).
	Processors int
	Now        func() time.Time
}

// DefaultOptions are the limits where nothing else is said.
func DefaultOptions() Options { return Options{}.withDefaults() }

func (o Options) withDefaults() Options {
	if o.MaxSeries == 0 {
		o.MaxSeries = 500
	}
	if o.MaxEntries == 0 {
		o.MaxEntries = 5000
	}
	if o.MaxPoints == 0 {
		o.MaxPoints = 11_000
	}
	if o.MaxLines == 0 {
		o.MaxLines = 1_000_000_000
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 40
	}
	if o.MaxMemory == 0 {
		o.MaxMemory = 256 << 20
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.Processors == 0 {
		o.Processors = runtime.GOMAXPROCS(0)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Direction is the order of a log query's entries.
type Direction uint8

const (
	Backward Direction = iota // the newest first
	Forward
)

// Params say when and how much. An instant query looks at End alone.
type Params struct {
	Start, End time.Time
	Step       time.Duration // of a metric query over a range
	Interval   time.Duration // of a log query: at most one entry in each
	Limit      int           // of a log query; 0 is 100
	Direction  Direction
	Instant    bool
	// Categorize keeps structured metadata and parsed labels apart from the
	// stream's labels.
	Categorize bool
}

// Engine answers queries; it is safe for concurrent use.
type Engine struct {
	src  Source
	opts Options
	prom *promql.Engine
	// spare holds a token for each processor, beside its first, that a query
	// uses.
	spare chan struct{}
}

// NewEngine returns an engine over a source.
func NewEngine(src Source, o Options) *Engine {
	o = o.withDefaults()
	return &Engine{src: src, opts: o, prom: newVectorEngine(o), spare: make(chan struct{}, max(0, o.Processors-1))}
}

// Query parses and answers a query.
func (e *Engine) Query(ctx context.Context, query string, p Params) (Result, error) {
	expr, err := syntax.Parse(query)
	if err != nil {
		return Result{}, err
	}
	return e.Eval(ctx, expr, p)
}

// Eval answers a query that is already parsed.
func (e *Engine) Eval(ctx context.Context, expr syntax.Expr, p Params) (Result, error) {
	began := e.opts.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, e.opts.Timeout, ErrTimeout)
	defer cancel()
	q := e.newQuery(ctx, p)
	var v Value
	var err error
	switch expr := expr.(type) {
	case *syntax.LogExpr:
		v, err = q.streams(expr)
	case syntax.Metric:
		v, err = q.metric(expr)
	default:
		err = fmt.Errorf("unknown expression %T", expr)
	}
	if cause := context.Cause(ctx); cause != nil && err != nil {
		// Whatever the end of the context broke, this is why.
		if errors.Is(cause, ErrTimeout) || errors.Is(cause, context.Canceled) {
			err = cause
		}
	}
	if err != nil {
		return Result{}, err
	}
	q.stats.Duration = e.opts.Now().Sub(began)
	// The store passes over lines that cannot match without showing them.
	q.stats.Lines = max(q.stats.Lines, q.scanned.Lines.Load())
	q.stats.Bytes = max(q.stats.Bytes, q.scanned.Bytes.Load())
	q.stats.Blocks, q.stats.Skipped = q.scanned.Blocks.Load(), q.scanned.Skipped.Load()
	return Result{Value: v, Stats: q.stats}, nil
}

// query is the state of one query. One goroutine uses it, but for what says
// otherwise.
type query struct {
	ctx    context.Context
	src    Source
	opts   Options
	prom   *promql.Engine
	spare  chan struct{}
	params Params
	stats  Stats
	// scanned is what the store says that it read.
	scanned logstore.QueryStats

	// Any goroutine may add to these:
	held            atomic.Int64 // bytes, roughly
	lines, lineSize atomic.Int64 // admitted
}

func (e *Engine) newQuery(ctx context.Context, p Params) *query {
	return &query{ctx: ctx, src: e.src, opts: e.opts, prom: e.prom, spare: e.spare, params: p}
}

// hold accounts for memory that lives until the query ends. Any goroutine may
// call it.
func (q *query) hold(bytes int) error {
	if q.held.Add(int64(bytes)) > q.opts.MaxMemory {
		return memoryLimit(q.opts.MaxMemory)
	}
	return nil
}

// admit accounts for lines before they are read, matching or not. Any goroutine
// may call it.
func (q *query) admit(lines, bytes int) error {
	if q.lines.Add(int64(lines)) > q.opts.MaxLines {
		return linesLimit(q.opts.MaxLines)
	}
	if q.lineSize.Add(int64(bytes)) > q.opts.MaxBytes {
		return bytesLimit(q.opts.MaxBytes)
	}
	return nil
}

// checkEvery is how many entries pass between two looks at the context.
const checkEvery = 1024

// read counts an entry and now and then looks whether anybody still waits.
func (q *query) read(line []byte) error {
	q.stats.Lines++
	q.stats.Bytes += int64(len(line))
	if q.stats.Lines%checkEvery == 0 {
		return q.ctx.Err()
	}
	return nil
}

// Options are the limits in force.
func (e *Engine) Options() Options { return e.opts }
