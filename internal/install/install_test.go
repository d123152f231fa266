package install

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/weir-telemetry/weir/internal/vfs"
)

func TestTheSameInstallIsFoundAgain(t *testing.T) {
	data := filepath.Join(t.TempDir(), "new", "data")
	first, err := Load(vfs.OS, data)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Load(vfs.OS, data)
	if err != nil {
		t.Fatal(err)
	}
	if first.ID != second.ID || !bytes.Equal(first.Key, second.Key) {
		t.Fatal("the second Load found another install")
	}
	other, err := Load(vfs.OS, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if other.ID == first.ID || bytes.Equal(other.Key, first.Key) {
		t.Fatal("two data folders share an identity")
	}
}

func TestOnlyTheOwnerCanReadTheKey(t *testing.T) {
	data := t.TempDir()
	if _, err := Load(vfs.OS, data); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"identity": 0o700, "identity/install.json": 0o600} {
		st, err := os.Stat(filepath.Join(data, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := st.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}

func TestTheKeyIsNotPrinted(t *testing.T) {
	in, err := Load(vfs.OS, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(verb, in); s != "install "+in.ID {
			t.Errorf("%s prints more than the id: %d characters", verb, len(s))
		}
	}
}

func TestCallersAtOnceGetOneInstall(t *testing.T) {
	data := t.TempDir()
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			in, err := Load(vfs.OS, data)
			if err != nil {
				t.Error(err)
			}
			ids[i] = in.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("two installs were made: %s and %s", ids[0], id)
		}
	}
}

func TestABrokenIdentityIsAnErrorAndStaysAsItIs(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, KeySize))
	const id = "0194f3c2-5a31-4d2b-9c1e-1234567890ab"
	for name, text := range map[string]string{
		"empty":         "",
		"cut short":     `{"version":1,"id":"` + id + `","key":"` + key[:9],
		"other JSON":    `{"version":1,"id":"` + id + `","key":"` + key + `","more":1}`,
		"two values":    `{"version":1,"id":"` + id + `","key":"` + key + `"}{}`,
		"newer":         `{"version":2,"id":"` + id + `","key":"` + key + `"}`,
		"upper case id": `{"version":1,"id":"` + strings.ToUpper(id) + `","key":"` + key + `"}`,
		"no UUID":       `{"version":1,"id":"acme-prod","key":"` + key + `"}`,
		"short key":     `{"version":1,"id":"` + id + `","key":"AAAA"}`,
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			file := filepath.Join(data, "identity", "install.json")
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			in, err := Load(vfs.OS, data)
			if err == nil {
				t.Fatalf("%s was loaded", in)
			}
			if msg := err.Error(); !strings.Contains(msg, file) || !strings.Contains(msg, "restore") {
				t.Errorf("the error names no file or no way out: %s", msg)
			}
			if strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "acme-prod") {
				t.Error("the error quotes the file")
			}
			if now, _ := os.ReadFile(file); string(now) != text {
				t.Error("the file was changed")
			}
		})
	}
	if _, err := parse([]byte(`{"version":1,"id":"` + id + `","key":"` + key + `"}`)); err != nil {
		t.Errorf("the file that the cases vary is refused itself: %v", err)
	}
}
