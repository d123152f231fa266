//go:build !amd64

package mask

func marksOf(p []byte, i int) marks { return plainMarks(p, i) }
