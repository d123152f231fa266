package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// kinds are the licences that may be linked, by words that only they have.
var kinds = map[string]*regexp.Regexp{
	"Apache-2.0": regexp.MustCompile(`Apache License,?\s+Version 2\.0|www\.apache\.org/licenses/LICENSE-2\.0`),
	"MIT":        regexp.MustCompile(`Permission is hereby granted, free of charge, to any person obtaining a copy`),
	"BSD":        regexp.MustCompile(`Redistribution and use in source and binary forms, with or without`),
	"ISC":        regexp.MustCompile(`Permission to use, copy, modify,? and(/or)? distribute this software for any`),
}

// others are linked through Prometheus or contrib, each with its reason.
var others = map[string]string{
	"github.com/hashicorp/go-version":    "MPL-2.0, unmodified; the collector's featuregate needs it",
	"github.com/hashicorp/golang-lru/v2": "MPL-2.0, unmodified; the collector's exporterhelper needs it",
}

// Apache-2.0, BSD or MIT only in what is linked (ISC is MIT in other words).
func TestWhatIsLinkedIsPermissivelyLicensed(t *testing.T) {
	cmd := exec.Command("go", "list", "-tags", "remove_all_sd", "-deps", "-json=Module", "./collector", "./cmd/weir")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Module *struct {
				Path, Dir string
				Main      bool
			}
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Module == nil || p.Module.Main || seen[p.Module.Path] {
			continue
		}
		seen[p.Module.Path] = true
		if kind := licence(p.Module.Dir); kind == "" && others[p.Module.Path] == "" {
			t.Errorf("%s is linked, and its licence is none of Apache-2.0, BSD, MIT", p.Module.Path)
		}
	}
	if len(seen) < 50 {
		t.Errorf("only %d modules looked at", len(seen))
	}
}

// licence names the licence of the module in dir, "" if it is none of kinds.
func licence(dir string) string {
	for _, pattern := range []string{"LICENSE*", "LICENCE*", "License*", "license*", "COPYING*"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil || strings.Contains(string(text), "GNU AFFERO") {
				continue
			}
			flat := strings.Join(strings.Fields(string(text)), " ") // lines break anywhere
			for kind, words := range kinds {
				if words.MatchString(flat) {
					return kind
				}
			}
		}
	}
	return ""
}
