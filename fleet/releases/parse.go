package releases

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"
	"golang.org/x/mod/semver"

	"github.com/weir-telemetry/weir/internal/yamlfile"
)

// Limits of a catalogue: it becomes series.
const (
	MaxFileSize = yamlfile.MaxSize
	maxReleases = 200
	maxServices = 20
	maxRings    = 20
	maxMembers  = 20_000
)

var slug = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

const slugHint = "write lower-case letters, digits, '.', '_' and '-', at most 64"

// reader adds to the reading of YAML what a catalogue is made of.
type reader struct{ yamlfile.Reader }

// Parse reads a catalogue. The error is a *[yamlfile.Faults]; file is only used
// there.
func Parse(file string, data []byte) (*Catalogue, error) {
	r := &reader{}
	c := &Catalogue{}
	if root := r.Root(data, "catalogue"); root != nil {
		r.catalogue(root, c)
	}
	if err := r.Err(file); err != nil {
		return nil, err
	}
	slices.SortFunc(c.Releases, byVersion)
	return c, nil
}

func (r *reader) catalogue(root *yaml.Node, c *Catalogue) {
	f := r.Fields(root, "the catalogue", "version", "product", "services", "releases", "rings")
	if n := r.Need(f, root, "the catalogue", "version"); n != nil && n.Value != "1" {
		r.Fault(n, "this Weir reads version: 1", "version %q of the format is not known", yamlfile.Short(n.Value))
		return
	}
	if n := r.Need(f, root, "the catalogue", "product"); n != nil {
		c.Product = r.word(n, "product")
	}
	if n, ok := f["services"]; ok {
		c.Services = r.words(n, "services", maxServices, func(*yaml.Node, string) {})
	}
	if n := r.Need(f, root, "the catalogue", "releases"); n != nil {
		c.Releases = r.releases(n)
	}
	if n, ok := f["rings"]; ok {
		c.Rings = r.rings(n, c)
	}
	if !slices.ContainsFunc(c.Rings, func(g Ring) bool { return g.Name == Rest }) {
		c.Rings = append(c.Rings, Ring{Name: Rest, Channel: "stable"})
	}
}

func (r *reader) releases(n *yaml.Node) []Release {
	var list []Release
	seen := map[string]int{}
	for _, e := range r.Items(n, "releases", maxReleases) {
		f := r.Fields(e, "a release", "version", "channel", "ga", "supported_until", "security")
		one := Release{Channel: "stable"}
		if v := r.Need(f, e, "a release", "version"); v != nil {
			one.Version = r.semver(v, "version")
			if line := seen[canonical(one.Version)]; line > 0 && one.Version != "" {
				r.Fault(v, fmt.Sprintf("keep one of the two; the first is on line %d", line), "version %s is there twice", one.Version)
			}
			seen[canonical(one.Version)] = v.Line
		}
		if v, ok := f["channel"]; ok {
			one.Channel = r.word(v, "channel")
		}
		if v, ok := f["ga"]; ok {
			one.GA = r.date(v, "ga")
		}
		if v, ok := f["supported_until"]; ok {
			// Its last day is a day of support.
			if one.SupportedUntil = r.date(v, "supported_until"); !one.SupportedUntil.IsZero() && len(v.Value) == len(time.DateOnly) {
				one.SupportedUntil = one.SupportedUntil.AddDate(0, 0, 1)
			}
			if !one.SupportedUntil.IsZero() && !one.SupportedUntil.After(one.GA) {
				r.Fault(v, "write a day after ga", "the support ends before general availability")
			}
		}
		if v, ok := f["security"]; ok {
			one.Security = r.Bool(v, "security")
		}
		list = append(list, one)
	}
	return list
}

func (r *reader) rings(n *yaml.Node, c *Catalogue) []Ring {
	var list []Ring
	names, members := map[string]int{}, map[string]int{}
	member := func(kind string) func(*yaml.Node, string) {
		return func(n *yaml.Node, name string) {
			key := kind + " " + name
			if line := members[key]; line > 0 {
				r.Fault(n, fmt.Sprintf("an install is in one ring; the first is on line %d", line), "%s %s is in a ring already", kind, yamlfile.Short(name))
			}
			members[key] = n.Line
			if len(members) == maxMembers+1 {
				r.Fault(n, "name customers instead of installs", "more than %d installs and customers are named", maxMembers)
			}
		}
	}
	for _, e := range r.Items(n, "rings", maxRings) {
		f := r.Fields(e, "a ring", "name", "channel", "desired", "installs", "customers")
		one := Ring{Channel: "stable"}
		if v := r.Need(f, e, "a ring", "name"); v != nil {
			one.Name = r.word(v, "name")
			if line := names[one.Name]; line > 0 && one.Name != "" {
				r.Fault(v, fmt.Sprintf("keep one of the two; the first is on line %d", line), "ring %s is there twice", one.Name)
			}
			names[one.Name] = v.Line
		}
		if v, ok := f["channel"]; ok {
			one.Channel = r.word(v, "channel")
		}
		if v, ok := f["desired"]; ok {
			one.Desired = r.semver(v, "desired")
			if one.Desired != "" && !slices.ContainsFunc(c.Releases, func(rel Release) bool { return rel.Version == one.Desired }) {
				r.Fault(v, "write the version as it stands under releases", "desired %s is no release of this catalogue", one.Desired)
			}
		}
		if v, ok := f["installs"]; ok {
			one.Installs = r.texts(v, "installs", maxMembers, func(n *yaml.Node, s string) {
				if id, err := uuid.Parse(s); err != nil || id.String() != s {
					r.Fault(n, "write it as weir fleet list shows it, such as 7b1f6c1e-6f0e-4f7b-9a53-1f0d9a0c2d11", "an install is no UUID")
				}
				member("install")(n, s)
			})
		}
		if v, ok := f["customers"]; ok {
			one.Customers = r.words(v, "customers", maxMembers, member("customer"))
		}
		if one.Name == Rest && len(one.Installs)+len(one.Customers) > 0 {
			r.Fault(e, "take installs and customers out: it is all that no other ring names", "ring %s names members", Rest)
		}
		list = append(list, one)
	}
	return list
}

func (r *reader) semver(n *yaml.Node, what string) string {
	s := r.Text(n, what)
	if s != "" && (!semver.IsValid(canonical(s)) || strings.Count(strings.SplitN(strings.SplitN(s, "-", 2)[0], "+", 2)[0], ".") != 2 || len(s) > 32) {
		r.Fault(n, "write it as services report it, such as 1.4.2 or 2.0.0-rc.1", "%s %q is no semantic version of at most 32 characters", what, yamlfile.Short(s))
		return ""
	}
	return s
}

func (r *reader) word(n *yaml.Node, what string) string {
	s := r.Text(n, what)
	if s != "" && !slug.MatchString(s) {
		r.Fault(n, slugHint, "%s %q has other characters", what, yamlfile.Short(s))
		return ""
	}
	return s
}

func (r *reader) words(n *yaml.Node, what string, most int, each func(*yaml.Node, string)) []string {
	return r.texts(n, what, most, func(e *yaml.Node, s string) {
		if !slug.MatchString(s) {
			r.Fault(e, slugHint, "%q in %s has other characters", yamlfile.Short(s), what)
		}
		each(e, s)
	})
}

func (r *reader) texts(n *yaml.Node, what string, most int, each func(*yaml.Node, string)) []string {
	var list []string
	for _, e := range r.Items(n, what, most) {
		if s := r.Text(e, "an entry of "+what); s != "" {
			each(e, s)
			list = append(list, s)
		}
	}
	return list
}

func (r *reader) date(n *yaml.Node, what string) time.Time {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, n.Value); err == nil && n.Kind == yaml.ScalarNode && t.Year() >= 2000 && t.Year() < 2200 {
			return t.UTC()
		}
	}
	r.Fault(n, "write it as 2026-03-01, or with a time as 2026-03-01T12:00:00Z", "%s is no date", what)
	return time.Time{}
}
