package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestFiguresOfOneStateAreNotMixedWithThoseOfAnother(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kept")
	f := figures{Of: "a, 100 MB", Done: []string{"in process"}}
	f.atMost("disk", 0.1, 0.2)
	if err := f.keep(file); err != nil {
		t.Fatal(err)
	}
	same := figures{Of: f.Of}
	if err := same.read(file); err != nil || len(same.Done) != 1 || len(same.List) != 1 {
		t.Errorf("the same state reads %+v, %v", same, err)
	}
	for _, of := range []string{"a, 1000 MB", "b, 100 MB"} {
		other := figures{Of: of}
		if err := other.read(file); err == nil || !strings.Contains(err.Error(), "remove it") || len(other.Done) > 0 {
			t.Errorf("%s reads %+v, %v", of, other, err)
		}
	}
}
