package bounded

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestABudgetIsNeverOverdrawn(t *testing.T) {
	b := NewBudget(10)
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			for range 200 {
				if b.Take(3) {
					if n := taken.Add(3); n > 10 {
						t.Errorf("%d of 10 are taken", n)
					}
					taken.Add(-3)
					b.Give(3)
				}
			}
		})
	}
	wg.Wait()
	if !b.Take(10) || b.Take(1) {
		t.Fatal("what was given back is not all there")
	}
}

func TestAKeyIsHeldByOne(t *testing.T) {
	k := NewKeys()
	if !k.Take("a") || k.Take("a") || !k.Take("b") {
		t.Fatal("a key is held twice, or one holds up another")
	}
	k.Give("a")
	if !k.Take("a") || len(k.held) != 2 {
		t.Fatal("a key was not given back")
	}
}

func TestLabelsAreFew(t *testing.T) {
	l := NewLabels(2)
	got := ""
	for _, v := range []string{"a", "", "b", "c", "a", "d"} {
		got += fmt.Sprintf("%q ", l.Label(v))
	}
	if want := `"a" "" "b" "other" "a" "other" `; got != want {
		t.Fatalf("labels are %s, want %s", got, want)
	}
}

func TestAConnectionTooManyIsClosedAndHoldsUpNobody(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := NewListener(inner, 1)
	defer l.Close()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	accepted := make(chan net.Conn)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial()
	first := <-accepted
	extra := dial()
	_ = extra.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := extra.Read(make([]byte, 1)); err == nil {
		t.Fatal("the second connection was served")
	}
	first.Close()
	first.Close() // gives back once
	dial()
	(<-accepted).Close()
}
