package mask_test

import (
	"testing"

	"github.com/weir-telemetry/weir/redaction/mask"
)

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"

func TestEachFamilyIsReplacedByItsConstantAndNothingElseIs(t *testing.T) {
	m, err := mask.New(mask.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ in, out string }{
		{"", ""}, {"a", "a"}, {"plain text", "plain text"},
		{"from bob.smith+x@mail.example.com.", "from <mail>."}, {`'bob@example.com'`, `'<mail>'`},
		{"lodash@4.17.21 user@localhost @ a@ @b.com", "lodash@4.17.21 user@localhost @ a@ @b.com"},
		{"jörg@bücher.example", "<mail>"},
		{"card 4111111111111111 ok", "card <card> ok"}, {"4111 1111 1111 1111", "<card>"}, {"4111-1111-1111-1111,", "<card>,"},
		{"amex 3782 822463 10005", "amex <card>"}, {"4111111111111112", "4111111111111112"},
		{"cfb7372dcb9eceedaa6567451315362b 6567451315362b", "cfb7372dcb9eceedaa6567451315362b <card>b"},
		{"1732230000000000000 0.4111111111111111", "1732230000000000000 0.4111111111111111"},
		{"4111 1111 1111 1111 200", "<card> 200"}, {"1234 4111 1111 1111 1111", "1234 <card>"},
		{"iban DE89370400440532013000", "iban <iban>"}, {"GB82 WEST 1234 5698 7654 32 GBP", "<iban> GBP"},
		{"NO9386011117947", "<iban>"}, {"DE89370400440532013001", "DE89370400440532013001"},
		{"ssn 078-05-1120 2026-11-21", "ssn <national-id> 2026-11-21"}, {"666-05-1120 1-078-05-1120", "666-05-1120 1-078-05-1120"},
		{"AB123456C AB 12 34 56 D", "<national-id> <national-id>"}, {"GB123456C XAB123456C", "GB123456C XAB123456C"},
		{"tax 86095742719", "tax <national-id>"}, {"86095742718", "86095742718"},
		{"nir 185057800608491", "nir <national-id>"},
		{"10.0.0.1:8080 [::1]:80 fe80::1%eth0 2001:db8::8a2e:370:7334, 1.2.3 1.2.3.4.5 256.1.1.1",
			"<ip>:8080 [<ip>]:80 <ip>%eth0 <ip>, 1.2.3 1.2.3.4.5 256.1.1.1"},
		{"12:34:56 std::string aa:bb:cc:dd:ee:ff 1:2:3:4:5:6:7:8 addr:fe80::2: x", "12:34:56 std::string aa:bb:cc:dd:ee:ff <ip> addr:<ip>: x"},
		{"::ffff:10.1.2.3", "<ip>"},
		{"t=" + jwt + ";", "t=<jwt>;"}, {"eyJ eyJhbGciOi.", "eyJ eyJhbGciOi."},
		{"Authorization: Bearer abcdef0123456789", "Authorization: <hidden>"}, {"Bearer abcdef0123456789", "Bearer <auth>"}, {"bearer authentication", "bearer authentication"},
		{"Basic dXNlcjpwYXNz", "Basic <auth>"}, {"basic training camp", "basic training camp"},
		{"AKIAIOSFODNN7EXAMPLE", "<cloud-key>"}, {"x=ghp_0123456789abcdefghij0123456789abcdef y", "x=<cloud-key> y"},
		{"abc8Q~0123456789abcdefghij0123456789abcd", "<cloud-key>"},
		{"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- after", "<private-key> after"},
		{`-----BEGIN PRIVATE KEY-----\nMII`, "<private-key>"}, {"-----BEGIN CERTIFICATE-----\nMII", "-----BEGIN CERTIFICATE-----\nMII"},
		{"postgres://user:s3cret@db.example.com:5432/x", "postgres://<connection>@db.example.com:5432/x"},
		{"https://example.com/@me ssh://git@local/x", "https://example.com/@me ssh://git@local/x"},
		{`{"password":"a \" b","n":1}`, `{"password":"<hidden>","n":1}`}, {`{"pin":1234,"n":1}`, `{"pin":"<hidden>","n":1}`},
		{`{"msg":"{\"password\":\"x y\",\"n\":1}"}`, `{"msg":"{\"password\":\"<hidden>\",\"n\":1}"}`},
		{`{"credentials":{"a":["}"]},"n":1}`, `{"credentials":"<hidden>","n":1}`}, {`{"token":null}`, `{"token":null}`},
		{"db_password=hunter2&x=1 DB_PWD=y dbPwd=z cpwd=1", "db_password=<hidden>&x=1 DB_PWD=<hidden> dbPwd=<hidden> cpwd=1"},
		{"password: ****", "password: ****"}, {"user[password]=x, :password=>'y z'", "user[password]=<hidden>, :password=>'<hidden>'"},
		{"<password>x y</password> <secret>z</secret>", "<password><hidden></password> <secret><hidden></secret>"},
		{"password=4111111111111111", "password=<hidden>"}, {`{"n":4111111111111111}`, `{"n":"<card>"}`},
	} {
		if got := string(m.Append(nil, []byte(c.in))); got != c.out {
			t.Errorf("%q\n got %q\nwant %q", c.in, got, c.out)
		}
		if m.Clean([]byte(c.in)) != (c.in == c.out) {
			t.Errorf("Clean(%q) disagrees", c.in)
		}
	}
}
