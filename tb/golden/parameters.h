// SPDX-License-Identifier: Apache-2.0
//
// Parameters of a bench's module from its CMake line (PARAMS), otherwise the defaults of rtl/.

#pragma once

#include <cstdint>

#ifdef TB_Stages  // trine_pe's name for it
#define TB_PeStages TB_Stages
#endif
#ifndef TB_PeStages
#define TB_PeStages 2
#endif
#ifndef TB_AccBits
#define TB_AccBits 32
#endif
#ifndef TB_Drain
#define TB_Drain 1
#endif
#ifndef TB_Multiplier
#define TB_Multiplier 0
#endif
#ifndef TB_Window
#define TB_Window 0
#endif
#ifndef TB_Ternary
#define TB_Ternary 0
#endif
#ifndef TB_Binary
#define TB_Binary 0
#endif
#ifndef TB_Table
#define TB_Table 0
#endif
#ifndef TB_Softmax
#define TB_Softmax 0
#endif
#ifndef TB_Pairs
#define TB_Pairs 0
#endif
#ifndef TB_Int16
#define TB_Int16 0
#endif
#ifndef TB_Sums
#define TB_Sums 0
#endif

namespace trine::golden {

constexpr int kPeStages = TB_PeStages;
constexpr int kAccBits = TB_AccBits;
constexpr std::uint32_t kAccMask = 0xffffffffu >> (32 - kAccBits);
constexpr unsigned kDrain = TB_Drain;        ///< columns per cycle
constexpr bool kBooth = TB_Multiplier == 1;  ///< the synthesized body
constexpr bool kWindow = TB_Window != 0;
constexpr bool kTernary = TB_Ternary != 0;
constexpr bool kBinary = TB_Binary != 0;
constexpr bool kTable = TB_Table != 0;
constexpr bool kSoftmax = TB_Softmax != 0;
constexpr bool kPairs = TB_Pairs != 0;
constexpr bool kInt16 = TB_Int16 != 0;
constexpr bool kSums = TB_Sums != 0;

}  // namespace trine::golden
