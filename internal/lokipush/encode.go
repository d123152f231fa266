package lokipush

import (
	"fmt"
	"time"

	"github.com/golang/snappy"
	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logstore"
)

// Encode writes the protobuf form with Loki's own types: the inverse of Decode
// for [ContentTypeProtobuf] and no Content-Encoding.
func Encode(streams []logstore.Stream) ([]byte, error) {
	req := push.PushRequest{Streams: make([]push.Stream, 0, len(streams))}
	for _, s := range streams {
		out := push.Stream{Labels: s.Labels.String(), Entries: make([]push.Entry, 0, len(s.Entries))}
		for _, e := range s.Entries {
			entry := push.Entry{Timestamp: time.Unix(0, e.Timestamp), Line: e.Line}
			if n := e.Metadata.Len(); n > 0 {
				entry.StructuredMetadata = make(push.LabelsAdapter, 0, n)
				e.Metadata.Range(func(l labels.Label) {
					entry.StructuredMetadata = append(entry.StructuredMetadata,
						push.LabelAdapter{Name: l.Name, Value: l.Value})
				})
			}
			out.Entries = append(out.Entries, entry)
		}
		req.Streams = append(req.Streams, out)
	}
	data, err := req.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode push request: %w", err)
	}
	return snappy.Encode(nil, data), nil
}
