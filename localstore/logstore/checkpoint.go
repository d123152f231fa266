package logstore

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// The checkpoint says up to which WAL segment everything is in blocks. It is
// replaced atomically; replacing it is what commits a flush.
//
//	+----------+---------+-----+
//	| magic    | segment | CRC |
//	| 8 bytes  | 8       | 4   |
//	+----------+---------+-----+
//
// Without a readable checkpoint every block file and every segment is taken as
// valid: what is then in both is answered once, because equal entries are.
const (
	checkpointName  = "checkpoint"
	checkpointMagic = "WEIRLCP\x01"
)

func writeCheckpoint(fsys vfs.FS, dir string, segment uint64) error {
	b := make([]byte, 0, 20)
	b = append(b, checkpointMagic...)
	b = binary.LittleEndian.AppendUint64(b, segment)
	b = binary.LittleEndian.AppendUint32(b, crc(b))
	return vfs.WriteFileAtomic(fsys, filepath.Join(dir, checkpointName), b, 0o600)
}

// readCheckpoint returns ok false if there is none or it is damaged.
func readCheckpoint(fsys vfs.FS, dir string) (segment uint64, ok bool, err error) {
	b, err := vfs.ReadFile(fsys, filepath.Join(dir, checkpointName))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	if len(b) != 20 || string(b[:8]) != checkpointMagic || binary.LittleEndian.Uint32(b[16:]) != crc(b[:16]) {
		return 0, false, nil
	}
	return binary.LittleEndian.Uint64(b[8:]), true, nil
}
