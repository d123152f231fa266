// Package logstore keeps log entries on the local disk and answers queries
// over them: who wrote (labels), when (time), what (substrings).
//
// It promises:
//
//   - What [Store.Append] acknowledged survives kill -9 and a power cut. The
//     acknowledgement comes after the write-ahead log is synced; concurrent
//     callers share one sync.
//   - Every acknowledged entry is answered exactly once, in the order of time,
//     entries of one stream and one instant in the order of their arrival.
//     Equal entries (stream, time, line, metadata) are answered once.
//   - A torn or flipped byte costs at most the frame or block that holds it.
//     The loss is counted in [Stats]; the store always starts; no message
//     carries stored data.
//   - Memory is bounded: when the disk cannot take more, Append fails and
//     queries go on.
//
// It does not parse lines, authenticate, or replicate. The byte layouts and the
// rules for changing them are in docs/format/logstore.md.
//
// The road of an entry:
//
//	Append ──► frame ──► wal/ (synced) ──► head (memory) ──► flush: blocks in logs/<day>/
//	                                                          checkpoint, then the wal is cut
//
// A head generation is one span of WAL segments. Flushing writes a whole
// generation, and one small file, the checkpoint, says which generations are
// in blocks: that is the only commit point. Small files of one day are merged
// later, in compact.go.
package logstore
