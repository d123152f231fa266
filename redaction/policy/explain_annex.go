package policy

import (
	"io"
	"strings"
)

// Annex writes the policy as the annex of a contract, in Markdown: parties,
// kinds of data, each entry with its purpose, the bound and the digest. What
// the parties have to agree on and the file cannot know is left blank.
func Annex(w io.Writer, p *Policy) error {
	d := Describe(p)
	e := &errWriter{w: w}
	e.printf("# Annex: telemetry that leaves the customer's environment\n\n")
	e.printf("This annex describes policy **%s of %s, revision %d**. Its exact text is the file with the SHA-256\n\n    %s\n\nWhere this annex and that file differ, the file counts.\n\n", md(d.Product), md(d.Vendor), d.Revision, d.Digest)
	e.printf("## 1. Parties\n\n| | |\n|---|---|\n| Vendor, receives the reports | %s |\n| Customer, operates the install | ______________________ |\n| Recipient's address | %s, and no other |\n\n", md(d.Vendor), md(d.Destination))
	e.printf("## 2. Subject\n\n")
	e.printf("Each install of %s sends one report every %s, %s a day. A report holds numbers and the attributes listed below, and\nnothing else. Logs, traces, names of metrics that are not listed, addresses and free text are in no report; the format of\nthe policy has no way to allow them.\n\n", md(d.Product), d.Interval, count(float64(d.Budget.IntervalsPerDay)))
	e.printf("Every report is checked against the policy and recorded in the customer's ledger, byte for byte, before it is sent.\n\n")
	e.printf("## 3. Who a report is from\n\n| attribute | values |\n|---|---|\n")
	for _, a := range d.Identity {
		e.printf("| `%s` | %s |\n", md(a.Key), md(a.Values))
	}
	e.printf("| `weir.policy.digest` | the digest above |\n| `weir.report.sequence` | the report's number: 1, 2, 3 and so on |\n| time | when the report was made, and since when it counts, in whole intervals |\n\n")
	e.printf("## 4. Kinds of data\n\n| kind | entries | at most, bits a day |\n|---|---|---|\n")
	list := groups(d)
	for _, g := range list {
		bits := 0.0
		for _, s := range g {
			bits += s.Budget.BitsPerDay
		}
		e.printf("| %s | %d | %s |\n", categoryWords[g[0].Category], len(g), count(bits))
	}
	if len(list) == 0 {
		e.printf("| none | 0 | 0 |\n")
	}
	e.printf("\n## 5. Entries and their purposes\n")
	number := 0
	for _, g := range list {
		e.printf("\n### %s\n", categoryWords[g[0].Category])
		for _, s := range g {
			number++
			e.entry(number, &s)
		}
	}
	if number == 0 {
		e.printf("\nNone.\n")
	}
	e.printf("\n## 6. Retention\n\nThe vendor keeps reports for ______ days after receipt and deletes them then. The policy does not limit this; the parties\ndo, here. In the customer's environment, each report stays in the ledger.\n")
	e.printf("\n## 7. Bound\n\nAt most %s. That counts every report the policy allows, likely or not. The install\ncounts what leaves and refuses a report that would exceed it. Who a report is from is the same in all of them and counts\nonce, %s bits.\n", SayBudget(d.Budget), count(d.Budget.IdentityBits))
	e.printf("\n## 8. Term and changes\n\n")
	if d.Expires == never {
		e.printf("The policy has no last day. ")
	} else {
		e.printf("The policy expires %s; nothing leaves from then on. ", d.Expires)
	}
	e.printf("A changed policy has another digest, is another annex, and lets nothing more out\nbefore the customer accepted it. The customer can take consent back in the install at any time (weir policy revoke); nothing\nleaves from then on.\n")
	e.printf("\n## 9. Signatures\n\n| for the vendor | for the customer |\n|---|---|\n| name, date: | name, date: |\n| signature: | signature: |\n\nDigest: `%s`\n", d.Digest)
	return e.err
}

func (e *errWriter) entry(number int, s *SignalDescription) {
	e.printf("\n**5.%d `%s`**\n\n", number, md(s.Name))
	e.printf("- Purpose: %s\n- Data: %s\n", md(s.Why), md(s.What))
	for _, a := range s.Attributes {
		e.printf("- By `%s`: %s; %s\n", md(a.Key), md(a.Values), md(a.Otherwise))
	}
	e.printf("- Series: %s\n- At most: %s bits a day\n", s.Series, count(s.Budget.BitsPerDay))
	if s.Expires != never {
		e.printf("- Expires: %s\n", s.Expires)
	}
	e.printf("- Contact: %s\n", md(s.Owner))
	if s.Set != "" {
		e.printf("- Out of the built-in set %s\n", md(s.Set))
	}
}

// md takes from a text what Markdown would not show as it is. Inside a code
// span a backslash would be shown, so names, which have no such characters but
// the underscore, are left alone there.
func md(s string) string {
	return markdownSpecial.Replace(s)
}

var markdownSpecial = strings.NewReplacer(`\`, `\\`, "`", "\\`", "|", `\|`, "<", "&lt;", ">", "&gt;", "*", `\*`, "[", `\[`, "]", `\]`)
