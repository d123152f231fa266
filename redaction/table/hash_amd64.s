#include "textflag.h"

#define SECRETS(AX) \
	VMOVDQU (AX), Y8    \
	VMOVDQU 32(AX), Y9  \
	VMOVDQU 64(AX), Y10 \
	VMOVDQU 96(AX), Y11 \
	MOVL $-1, R8

// FETCH puts the text at off(SI), padded with zeros, into Y. Bytes beyond its
// end are masked out: they are neither used nor able to fault.
#define FETCH(off, K, Y) \
	MOVQ off(SI), R9       \
	MOVQ (off+8)(SI), CX   \
	BZHIL CX, R8, DX       \
	KMOVD DX, K            \
	VMOVDQU8.Z (R9), K, Y

#define ROUNDS(Y) \
	VPXOR Y8, Y, Y    \
	VAESENC Y9, Y, Y  \
	VAESENC Y10, Y, Y \
	VAESENC Y11, Y, Y

// func aesPairs(r *rounds, in *pair, n int, want *wanted, out *hashed) (sum hash128)
//
// It goes from the last pair to the first, so that a key's first copy is what
// stays in at. 512 bits at a time would be slower: they close a port.
TEXT ·aesPairs(SB), NOSPLIT, $0-56
	MOVQ r+0(FP), AX
	MOVQ in+8(FP), SI
	MOVQ n+16(FP), BX
	MOVQ want+24(FP), DX
	MOVQ out+32(FP), DI
	SECRETS(AX)
	VMOVDQU 128(AX), X12
	VMOVDQU (DX), Y14
	VPXOR X7, X7, X7
	VPCMPEQQ Y1, Y1, Y1  // -1
	VMOVDQU Y1, Y15      // at: nowhere
	VPBROADCASTQ BX, Y13 // the pair's index + 1
	MOVQ BX, DX
	SHLQ $5, DX
	ADDQ DX, SI
	JMP last
next:
	SUBQ $32, SI
	FETCH(0, K1, Y0)
	FETCH(16, K2, Y3)
	ROUNDS(Y0)
	ROUNDS(Y3)
	VMOVQ 8(SI), X6
	VMOVQ 24(SI), X2
	VPERM2I128 $0x20, Y3, Y0, Y4
	VPERM2I128 $0x31, Y3, Y0, Y5
	VPTERNLOGQ $0x96, Y5, Y6, Y4     // all three xored: the key's hash, and the value's but for its length
	VPADDQ Y1, Y13, Y13
	VPBROADCASTQ X4, Y5
	VPCMPEQQ Y5, Y14, Y5
	VPTERNLOGQ $0xd8, Y5, Y13, Y15   // at: the index where the hashes are equal
	VEXTRACTI128 $1, Y4, X3
	VPXOR X2, X3, X3
	VMOVQ X3, (DI)(BX*8)
	VAESENC X3, X4, X4
	VAESENC X12, X4, X4
	VPADDQ X4, X7, X7
last:
	DECQ BX
	JGE next
	VMOVDQU Y15, 128(DI)
	VMOVDQU X7, sum_hi+40(FP)
	VZEROUPPER
	RET

// func aesTexts(r *rounds, in *string, n int, out *uint64)
TEXT ·aesTexts(SB), NOSPLIT, $0-32
	MOVQ r+0(FP), AX
	MOVQ in+8(FP), SI
	MOVQ n+16(FP), BX
	MOVQ out+24(FP), DI
	SECRETS(AX)
	JMP last
next:
	FETCH(0, K1, Y0)
	ROUNDS(Y0)
	VEXTRACTI128 $1, Y0, X5
	VMOVQ 8(SI), X6
	VPTERNLOGQ $0x96, X5, X6, X0
	VMOVQ X0, (DI)
	ADDQ $16, SI
	ADDQ $8, DI
last:
	DECQ BX
	JGE next
	VZEROUPPER
	RET
