package api

import (
	"github.com/weir-telemetry/weir/localstore/logql"
)

// The statistics have Loki's shape. Everything is read from the one store, so
// the part about ingesters is zero.
type (
	statsSummary struct {
		BytesProcessedPerSecond int64   `json:"bytesProcessedPerSecond"`
		LinesProcessedPerSecond int64   `json:"linesProcessedPerSecond"`
		TotalBytesProcessed     int64   `json:"totalBytesProcessed"`
		TotalLinesProcessed     int64   `json:"totalLinesProcessed"`
		ExecTime                float64 `json:"execTime"`
		QueueTime               float64 `json:"queueTime"`
		Subqueries              int     `json:"subqueries"`
		TotalEntriesReturned    int64   `json:"totalEntriesReturned"`
		Splits                  int     `json:"splits"`
		Shards                  int     `json:"shards"`
		PostFilterLines         int64   `json:"totalPostFilterLines"`
	}
	statsChunk struct {
		HeadChunkBytes    int64 `json:"headChunkBytes"`
		HeadChunkLines    int64 `json:"headChunkLines"`
		DecompressedBytes int64 `json:"decompressedBytes"`
		DecompressedLines int64 `json:"decompressedLines"`
		CompressedBytes   int64 `json:"compressedBytes"`
		TotalDuplicates   int64 `json:"totalDuplicates"`
	}
	statsStore struct {
		TotalChunksRef        int64      `json:"totalChunksRef"`
		TotalChunksDownloaded int64      `json:"totalChunksDownloaded"`
		ChunksDownloadTime    int64      `json:"chunksDownloadTime"`
		Chunk                 statsChunk `json:"chunk"`
	}
	statsIngester struct {
		TotalReached       int64      `json:"totalReached"`
		TotalChunksMatched int64      `json:"totalChunksMatched"`
		TotalBatches       int64      `json:"totalBatches"`
		TotalLinesSent     int64      `json:"totalLinesSent"`
		Store              statsStore `json:"store"`
	}
	statsQuerier struct {
		Store statsStore `json:"store"`
	}
	stats struct {
		Summary  statsSummary  `json:"summary"`
		Querier  statsQuerier  `json:"querier"`
		Ingester statsIngester `json:"ingester"`
	}
)

func lokiStats(s logql.Stats) stats {
	var out stats
	seconds := s.Duration.Seconds()
	out.Summary = statsSummary{
		TotalBytesProcessed: s.Bytes, TotalLinesProcessed: s.Lines,
		ExecTime: seconds, TotalEntriesReturned: s.Returned, PostFilterLines: s.Kept,
	}
	if seconds > 0 {
		out.Summary.BytesProcessedPerSecond = int64(float64(s.Bytes) / seconds)
		out.Summary.LinesProcessedPerSecond = int64(float64(s.Lines) / seconds)
	}
	out.Querier.Store.TotalChunksRef = s.Blocks + s.Skipped
	out.Querier.Store.TotalChunksDownloaded = s.Blocks
	out.Querier.Store.Chunk.DecompressedBytes = s.Bytes
	out.Querier.Store.Chunk.DecompressedLines = s.Lines
	return out
}
