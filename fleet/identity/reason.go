package identity

// Reason is why a fleet did not take what an install asked for. The set is
// closed: it can be counted, logged and sent as an answer, because it is never
// data. It travels in the header [ReasonHeader].
type Reason string

// The reasons.
const (
	// Of the sender: status 401. The report is not to blame and can be sent again
	// with a better certificate.
	CertificateMissing   Reason = "certificate_missing"
	CertificateUntrusted Reason = "certificate_untrusted" // of another authority, or not one for an install
	CertificateExpired   Reason = "certificate_expired"
	CertificateRevoked   Reason = "certificate_revoked"

	// Of an enrolment: status 403.
	TokenMalformed Reason = "token_malformed"
	TokenUnknown   Reason = "token_unknown" // or a byte of it differs
	TokenExpired   Reason = "token_expired"
	TokenUsed      Reason = "token_used"
	InstallTaken   Reason = "install_taken"  // the install belongs to another customer
	RequestBad     Reason = "request_bad"    // no signing request, or not one for this install
	LedgerChanged  Reason = "ledger_changed" // a renewal with another ledger's key
)

// ReasonHeader is the answer's header that says a [Reason].
const ReasonHeader = "Weir-Refused"

// hints say what to do.
var hints = map[Reason]string{
	CertificateMissing:   "the fleet wants a certificate: enrol with a token from the vendor",
	CertificateUntrusted: "the fleet does not know the authority of this certificate, or it names no install: enrol again, or give the vendor your authority",
	CertificateExpired:   "the certificate expired too long ago to be renewed: ask the vendor for a new token and enrol again",
	CertificateRevoked:   "the vendor has revoked this install: ask for a new token and enrol again",
	TokenMalformed:       "copy the whole line that 'weir fleet enroll' printed",
	TokenUnknown:         "this fleet gave out no such token: ask the vendor for a new one",
	TokenExpired:         "the token has expired: ask the vendor for a new one",
	TokenUsed:            "the token has been used: ask the vendor for a new one",
	InstallTaken:         "this install is known as another customer's: ask the vendor which customer the token is for",
	RequestBad:           "the request is not one for this install's certificate: are both sides of one release?",
	LedgerChanged:        "the ledger has another key than the one enrolled with: enrol again with a new token",
}

// Refused is the error of an exchange that the fleet did not grant.
type Refused struct {
	Status int
	Reason Reason // empty if the answer said none that is known
}

func (r *Refused) Error() string {
	if h, ok := hints[r.Reason]; ok {
		return "the fleet refused: " + string(r.Reason) + ": " + h
	}
	return "the fleet refused without a known reason: is this the fleet's URL?"
}

// ParseReason reads what a header says; false if it is none of the set.
func ParseReason(text string) (Reason, bool) {
	_, ok := hints[Reason(text)]
	return Reason(text), ok
}
