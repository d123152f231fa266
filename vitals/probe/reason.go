package probe

// Outcome is what a finding comes to.
type Outcome string

// The outcomes. A warning is shown with its owner and decides nothing; nor does
// what could not be measured.
const (
	Passed  Outcome = "passed"
	Warning Outcome = "warning"
	Failed  Outcome = "failed"
	Unknown Outcome = "unknown"
)

// Reason says in one word why a finding is as it is. The set is closed.
type Reason string

// The reasons.
const (
	OK Reason = "ok"

	NoSuchName  Reason = "no_such_name"
	NoResolver  Reason = "no_resolver"
	Unreachable Reason = "unreachable"
	Refused     Reason = "refused"
	Timeout     Reason = "timeout"
	Closed      Reason = "closed"

	NotTLS                 Reason = "not_tls"
	CertificateExpired     Reason = "certificate_expired"
	CertificateExpiring    Reason = "certificate_expiring"
	CertificateNotYetValid Reason = "certificate_not_yet_valid"
	CertificateName        Reason = "certificate_name"
	CertificateUntrusted   Reason = "certificate_untrusted"
	AuthoritiesUnreadable  Reason = "authorities_unreadable"

	NotHTTP     Reason = "not_http"
	Status      Reason = "status"
	ProxyDenied Reason = "proxy_denied"

	Missing  Reason = "missing"
	ReadOnly Reason = "read_only"
	Full     Reason = "full"
	Low      Reason = "low"
	Pressure Reason = "pressure"

	Skewed         Reason = "skewed"
	Unsynchronized Reason = "unsynchronized"

	Vendor       Reason = "vendor"
	Unmeasurable Reason = "unmeasurable"
)

// reasons are all reasons: what each comes to, and in words.
var reasons = []struct {
	Reason
	Outcome
	words string
}{
	{OK, Passed, "as it should be"},

	{NoSuchName, Failed, "the name does not exist"},
	{NoResolver, Failed, "no name server answers"},
	{Unreachable, Failed, "there is no way to the host"},
	{Refused, Failed, "the host answers that nothing listens there"},
	{Timeout, Failed, "there was no answer in time"},
	{Closed, Failed, "the connection was closed before an answer"},

	{NotTLS, Failed, "what listens there does not come to terms over TLS"},
	{CertificateExpired, Failed, "a certificate has expired"},
	{CertificateExpiring, Warning, "a certificate is about to expire"},
	{CertificateNotYetValid, Failed, "a certificate is not valid yet"},
	{CertificateName, Failed, "the certificate is for another name"},
	{CertificateUntrusted, Failed, "no known authority has signed the certificate"},
	{AuthoritiesUnreadable, Unknown, "the file of authorities cannot be read"},

	{NotHTTP, Failed, "what listens there does not speak HTTP as it should"},
	{Status, Failed, "the status is not one that is wanted"},
	{ProxyDenied, Failed, "the proxy denies the connection, or wants credentials"},

	{Missing, Failed, "the folder is not there or cannot be read"},
	{ReadOnly, Failed, "the file system is mounted read-only"},
	{Full, Failed, "there is no more room"},
	{Low, Warning, "little room is left"},
	{Pressure, Failed, "everything waits for memory"},

	{Skewed, Failed, "the clock is wrong"},
	{Unsynchronized, Warning, "nothing keeps the clock right"},

	{Vendor, Unknown, "it is the vendor's destination, which nothing but upstream talks to"},
	{Unmeasurable, Unknown, "this system does not say"},
}

// Outcome says what a reason comes to. A word that is none is unknown.
func (r Reason) Outcome() Outcome {
	for _, one := range reasons {
		if one.Reason == r {
			return one.Outcome
		}
	}
	return Unknown
}

// Words says it in words.
func (r Reason) Words() string {
	for _, one := range reasons {
		if one.Reason == r {
			return one.words
		}
	}
	return ""
}

// Reasons are all reasons, in the order of the documentation.
func Reasons() []Reason {
	all := make([]Reason, len(reasons))
	for i, one := range reasons {
		all[i] = one.Reason
	}
	return all
}

// Finds says that a probe of a kind can give a reason.
func (k Kind) Finds(r Reason) bool {
	certificate := r == CertificateExpired || r == CertificateNotYetValid || r == CertificateName || r == CertificateUntrusted
	asked := r == NoSuchName || r == NoResolver || r == Unreachable || r == Refused || r == Timeout || r == Closed
	switch r {
	case OK:
		return true
	case Vendor:
		return !(Spec{Kind: k}).Local() || k == Clock
	}
	switch k {
	case DNS:
		return r == NoSuchName || r == NoResolver
	case TCP:
		return asked
	case TLS:
		return asked || certificate || r == CertificateExpiring || r == NotTLS || r == AuthoritiesUnreadable
	case HTTP:
		return TLS.Finds(r) || r == NotHTTP || r == Status
	case Proxy:
		return r != CertificateExpiring && HTTP.Finds(r) || r == ProxyDenied
	case Disk:
		return r == Missing || r == ReadOnly || r == Full || r == Low || r == Unmeasurable
	case Inode:
		return r == Missing || r == Full || r == Low || r == Unmeasurable
	case Memory:
		return Inode.Finds(r) || r == Pressure
	case Clock:
		return asked || r == NotTLS || r == NotHTTP || r == AuthoritiesUnreadable || r == Skewed || r == Unsynchronized || r == Unmeasurable
	}
	return false
}
