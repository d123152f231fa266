package netlab

import (
	"net/netip"
	"testing"
)

func segment(seq uint32, syn bool, text string) Packet {
	return Packet{
		Proto: "tcp", Src: netip.MustParseAddrPort("192.0.2.1:40000"), Dst: netip.MustParseAddrPort("198.51.100.1:443"),
		seq: seq, syn: syn, Payload: []byte(text), Bytes: 54 + len(text),
	}
}

func TestStreamsArePutTogetherWhateverTheOrder(t *testing.T) {
	got, err := Streams([]Packet{
		segment(4294967293, true, ""), segment(4294967294, false, "ab"), segment(2, false, "ef"), segment(0, false, "cd"),
		segment(4294967294, false, "abcd"), segment(4294967293, false, "x"), // again, and a probe
	})
	if err != nil || len(got) != 1 || string(got[0].Data) != "abcdef" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestStreamsWithHolesOrTwoTruthsAreErrors(t *testing.T) {
	for what, packets := range map[string][]Packet{
		"a hole":       {segment(0, true, ""), segment(1, false, "ab"), segment(5, false, "ef")},
		"two truths":   {segment(0, true, ""), segment(1, false, "ab"), segment(1, false, "xb")},
		"no beginning": {segment(1, false, "ab")},
	} {
		if got, err := Streams(packets); err == nil {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

func TestAPortThatIsUsedAgainIsAnotherStream(t *testing.T) {
	got, err := Streams([]Packet{segment(0, true, ""), segment(1, false, "ab"), segment(900, true, ""), segment(901, false, "cd")})
	if err != nil || len(got) != 2 || string(got[0].Data)+string(got[1].Data) != "abcd" {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00E\x00\x00\x28"))
	f.Add(append([]byte("\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x86\xdd"), make([]byte, 60)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Packet
		parse(b, &p)
		if p.Bytes != len(b) || p.Proto == "" || len(p.Payload) > len(b) {
			t.Errorf("%+v", p)
		}
	})
}
