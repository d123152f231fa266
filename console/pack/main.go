// Command pack puts the built pages and the dashboards into console/assets.zip,
// which is embedded: packed they are a tenth of the size. `make console` and
// `make dashboards` run it from the repository's root.
package main

import (
	"archive/zip"
	"compress/flate"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := pack("console/assets.zip"); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// contents are the files by their patterns, and the folder in the archive.
var contents = []struct{ pattern, folder string }{
	{"console/dist/*", ""},
	{"dashboards/customer/*.json", "dashboards/customer/"},
	{"dashboards/fleet/*.json", "dashboards/fleet/"},
	{"dashboards/provisioning/datasources/*.yaml", "dashboards/datasources/"},
}

// pack writes the archive: in the order of the names, without times, so that the
// same files give the same bytes.
func pack(name string) error {
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	z := zip.NewWriter(out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, c := range contents {
		files, err := filepath.Glob(c.pattern)
		if err != nil || len(files) == 0 {
			return fmt.Errorf("nothing matches %s: run it from the repository's root", c.pattern)
		}
		for _, f := range files {
			content, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			w, err := z.CreateHeader(&zip.FileHeader{Name: c.folder + filepath.Base(f), Method: zip.Deflate})
			if err != nil {
				return err
			}
			if _, err := w.Write(content); err != nil {
				return err
			}
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return out.Close()
}
