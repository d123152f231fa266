package console

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheVerdictIsShownAsItWasWritten(t *testing.T) {
	f := newFixture(t)
	var got map[string]any
	require.Equal(t, 200, f.do(t, "GET", "/weir/v1/fault", "", &got).StatusCode)
	require.Nil(t, got, "there is none yet")
	file := filepath.Join(f.data, "vitals", "fault.json")
	require.NoError(t, os.Mkdir(filepath.Dir(file), 0o700))
	put := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	put(`{"domain": "host", "owner": "infrastructure"}` + strings.Repeat("\n", 1000))
	require.Equal(t, 200, f.do(t, "GET", "/weir/v1/fault", "", &got).StatusCode)
	require.Equal(t, map[string]any{"domain": "host", "owner": "infrastructure"}, got)
	put(`{"domain": "ho`)
	require.Equal(t, 503, f.do(t, "GET", "/weir/v1/fault", "", nil).StatusCode, "half of it is no verdict")
	put(strings.Repeat(" ", maxFault+1))
	require.Equal(t, 500, f.do(t, "GET", "/weir/v1/fault", "", nil).StatusCode)
}

func TestWhoAnswersForWhatIsShown(t *testing.T) {
	f := newFixture(t)
	ask := func() (got responsibilitiesAnswer) {
		require.Equal(t, 200, f.do(t, "GET", "/weir/v1/responsibilities", "", &got).StatusCode)
		return got
	}
	require.Contains(t, ask().Problem, "no such file")
	sample, err := os.ReadFile("../config/responsibilities/shop.yaml")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(f.people, sample, 0o600))
	got := ask()
	require.Empty(t, got.Problem)
	require.Len(t, got.Areas, 7)
	require.Equal(t, "Platform team", got.Areas[0].Who)
	require.Contains(t, got.Areas[0].About, "machines")
	require.NoError(t, os.WriteFile(f.people, []byte(strings.Replace(string(sample), "Platform team", "tbd", 1)), 0o600))
	got = ask()
	require.Contains(t, got.Problem, "blank")
	require.Empty(t, got.Areas, "nobody is named out of a file with a blank")
}
