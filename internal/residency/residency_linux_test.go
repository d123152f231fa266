package residency

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestOnlyUnwritableMappingsOfTheProgramArePicked(t *testing.T) {
	const maps = `00400000-02be1000 r-xp 00000000 fe:00 11 /bin/weir
02be1000-05a00000 r--p 027e1000 fe:00 11 /bin/weir
05a00000-05b00000 rw-p 05600000 fe:00 11 /bin/weir
05b00000-05c00000 rw-p 00000000 00:00 0
7f0000000000-7f0000010000 r--s 00000000 fe:00 12 /data/offsets
7f0000020000-7f0000030000 r-xp 00000000 fe:00 13 /bin/weird
7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0 [vdso]
`
	got, err := readOnly(strings.NewReader(maps), "/bin/weir")
	want := []addresses{{0x400000, 0x2be1000}, {0x2be1000, 0x5a00000}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %x, %v, want %x", got, err, want)
	}
	if _, err := readOnly(strings.NewReader("zz-1 r-xp 0 0 0 /bin/weir\n"), "/bin/weir"); err == nil {
		t.Error("an address that is none was taken")
	}
}

func TestTheProgramGoesOnWithLessResident(t *testing.T) {
	before := fileResident(t)
	if err := GiveBack(); err != nil {
		t.Fatal(err)
	}
	// Code and constants that were not needed since are read again here.
	if got := strings.ToUpper("still here"); got != "STILL HERE" {
		t.Fatal(got)
	}
	if after := fileResident(t); after >= before {
		t.Errorf("%d kB of files resident, %d before", after, before)
	}
}

// fileResident is RssFile of this process in kB.
func fileResident(t *testing.T) (kb int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(string(status), "\n") {
		if f := strings.Fields(l); len(f) > 1 && f[0] == "RssFile:" {
			for _, c := range f[1] {
				kb = kb*10 + int(c-'0')
			}
		}
	}
	return kb
}
