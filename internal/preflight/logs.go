package preflight

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// shown is how many names a finding lists.
const shown = 3

// logs looks whether each pattern matches something, and whether this user may
// read it. Patterns are matched as the file_log receiver does.
func (s *Site) logs(context.Context) {
	for _, l := range s.Settings.LogFiles {
		for _, pattern := range l.Include {
			f := Finding{Check: "log files", About: pattern.Value, State: Fine, Area: responsibilities.Application}
			names, err := doublestar.FilepathGlob(pattern.Value, doublestar.WithFilesOnly())
			names = slices.DeleteFunc(names, func(name string) bool {
				return slices.ContainsFunc(l.Exclude, func(x string) bool { out, _ := doublestar.PathMatch(x, name); return out })
			})
			var closed []string
			for _, name := range names {
				// Without waiting, should it be a pipe.
				file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
				if err != nil {
					closed = append(closed, name)
					continue
				}
				_ = file.Close()
			}
			switch {
			case err != nil:
				f.State, f.Evidence = Missing, "is no pattern"
				f.Fix = "write " + pattern.change() + " as /var/log/app/*.log"
			case len(names) == 0:
				f.State, f.Evidence = Warning, "matches no file; one that appears later is followed from its beginning"
				f.Fix = "nothing, if the software has not written yet; else set " + pattern.change() + " to where it writes"
			case len(closed) > 0:
				me := userName(os.Geteuid())
				f.State, f.Evidence = Missing, fmt.Sprintf("the user %s may not read %d of %d files: %s", me, len(closed), len(names), listed(closed))
				f.Fix = fmt.Sprintf("as root: setfacl -m u:%s:r FILE, or put %s into the group of the files", me, me)
			default:
				f.Evidence = fmt.Sprintf("matches %s, and the user %s can read all", counted(len(names), "file"), userName(os.Geteuid()))
			}
			s.add(f)
		}
	}
}

func listed(names []string) string {
	if len(names) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return strings.Join(names, ", ")
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
