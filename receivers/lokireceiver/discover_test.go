package lokireceiver

import (
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/localstore/logstore"
)

func TestPushesGetTheNameAndTheLevelThatLokiWouldGiveThem(t *testing.T) {
	for _, c := range []struct {
		stream, metadata labels.Labels
		line             string
		service, level   any
	}{
		{labels.FromStrings("job", "varlogs"), labels.EmptyLabels(), "level=warn x", "varlogs", "warn"},
		{labels.FromStrings("job", "varlogs", "app", "shop"), labels.EmptyLabels(), "plain", "shop", "unknown"},
		{labels.FromStrings("filename", "/x"), labels.EmptyLabels(), `{"level":"error"}`, "unknown_service", "error"},
		{labels.FromStrings("service_name", "own", "app", "shop"), labels.EmptyLabels(), "", "own", "unknown"},
		{labels.FromStrings("app", "a", "level", "ERR"), labels.EmptyLabels(), "level=info", "a", "error"},
		{labels.FromStrings("app", "a", "level", "error"), labels.FromStrings("severity", "debug"), "", "a", "debug"},
		{labels.FromStrings("app", "a"), labels.FromStrings("detected_level", "mine"), "level=info", "a", "mine"},
		{labels.FromStrings("app", "a", "detected_level", "stream's"), labels.EmptyLabels(), "level=info", "a", nil},
	} {
		rl := toLogs([]logstore.Stream{{Labels: c.stream, Entries: []logstore.Entry{{Timestamp: 1, Line: c.line, Metadata: c.metadata}}}}).ResourceLogs().At(0)
		require.Equal(t, c.service, rl.Resource().Attributes().AsRaw()["service_name"], c.stream)
		require.Equal(t, c.level, rl.ScopeLogs().At(0).LogRecords().At(0).Attributes().AsRaw()["detected_level"], c.stream)
	}
}
