package main

import (
	"fmt"
	"os"
	"sync"
)

// maxLogFile keeps a demonstration that was left running from filling the disk:
// a file and its predecessor together hold twice this.
const maxLogFile = 16 << 20

// logFile is an access log that is renamed to NAME.1 when it is full, as
// logrotate does it. A nil *logFile takes lines and drops them.
type logFile struct {
	name string
	max  int64

	mu   sync.Mutex // guards what follows
	file *os.File
	size int64
}

func openLogFile(name string, max int64) (*logFile, error) {
	f := &logFile{name: name, max: max}
	if err := f.reopen(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *logFile) reopen() error {
	file, err := os.OpenFile(f.name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("open the log file: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return fmt.Errorf("open the log file: %w", err)
	}
	f.file, f.size = file, info.Size()
	return nil
}

// line appends one line in one write, so that a reader never sees half of one
// followed by another's beginning.
func (f *logFile) line(text string) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.size >= f.max {
		_ = f.file.Close()
		_ = os.Rename(f.name, f.name+".1")
		if f.reopen() != nil {
			return // the closed file refuses the write; the next line tries again
		}
	}
	n, _ := f.file.WriteString(text + "\n")
	f.size += int64(n)
}

func (f *logFile) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.file.Close(); err != nil {
		return fmt.Errorf("close the log file: %w", err)
	}
	return nil
}
