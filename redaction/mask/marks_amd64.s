#include "textflag.h"

// Constants of 16 bytes each.
DATA zeros<>+0(SB)/8, $0x3030303030303030
DATA zeros<>+8(SB)/8, $0x3030303030303030
GLOBL zeros<>(SB), RODATA|NOPTR, $16
DATA nines<>+0(SB)/8, $0x0909090909090909
DATA nines<>+8(SB)/8, $0x0909090909090909
GLOBL nines<>(SB), RODATA|NOPTR, $16
DATA fullstops<>+0(SB)/8, $0x2e2e2e2e2e2e2e2e
DATA fullstops<>+8(SB)/8, $0x2e2e2e2e2e2e2e2e
GLOBL fullstops<>(SB), RODATA|NOPTR, $16
DATA colons<>+0(SB)/8, $0x3a3a3a3a3a3a3a3a
DATA colons<>+8(SB)/8, $0x3a3a3a3a3a3a3a3a
GLOBL colons<>(SB), RODATA|NOPTR, $16

// SIXTEEN puts the marks of the 16 bytes at off into the low words of R8, R9, R10.
// A digit less '0' is 9 or less, and what is less than that is its own minimum.
#define SIXTEEN(off) \
	MOVOU off(SI), X0     \
	MOVO  X0, X1          \
	MOVO  X0, X2          \
	PSUBB X4, X0          \
	MOVO  X0, X3          \
	PMINUB X5, X3         \
	PCMPEQB X3, X0        \
	PCMPEQB X6, X1        \
	PCMPEQB X7, X2        \
	PMOVMSKB X0, R8       \
	PMOVMSKB X1, R9       \
	PMOVMSKB X2, R10

#define SHIFTIN \
	SHLQ $16, AX  \
	SHLQ $16, BX  \
	SHLQ $16, CX  \
	ORQ  R8, AX   \
	ORQ  R9, BX   \
	ORQ  R10, CX

// func marks64(p *byte) (k marks)
TEXT ·marks64(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), SI
	MOVOU zeros<>(SB), X4
	MOVOU nines<>(SB), X5
	MOVOU fullstops<>(SB), X6
	MOVOU colons<>(SB), X7
	SIXTEEN(48)
	MOVQ R8, AX
	MOVQ R9, BX
	MOVQ R10, CX
	SIXTEEN(32)
	SHIFTIN
	SIXTEEN(16)
	SHIFTIN
	SIXTEEN(0)
	SHIFTIN
	MOVQ AX, k_digit+8(FP)
	MOVQ BX, k_dot+16(FP)
	MOVQ CX, k_colon+24(FP)
	RET
