// SPDX-License-Identifier: Apache-2.0
//
// The pieces of SentencePiece, joined by score: its .model files (a protobuf) and the vocabularies
// that GGUF files carry. Text is taken as it is but for spaces, which become U+2581; what no piece
// holds becomes the pieces of its bytes, where these are there.
//
// Source: sentencepiece_model.proto and README of github.com/google/sentencepiece; Kudo and
// Richardson, "SentencePiece" (2018). Debian's library is not linked: it exports a protobuf of its
// own, whose names libprotobuf's have, too.

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tools/llm/tokens/codec.h"

namespace trine::llm {

enum class PieceType { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };

struct Piece {
  std::string text;
  float score = 0;
  PieceType type = PieceType::kNormal;
};

struct PieceRules {
  std::vector<Piece> pieces;
  bool byte_fallback = false;
  bool add_dummy_prefix = true;          ///< a space before the text
  bool remove_extra_whitespaces = true;  ///< at both ends, and of several all but one
  bool escape_whitespaces = true;
  std::string unknown_text = " \xe2\x81\x87 ";  ///< U+2047
  int begin = -1;                               ///< token that begins texts; -1: none
};

/// @throws Error  names the file and the piece
std::unique_ptr<TokenCodec> make_piece_codec(PieceRules rules, const std::string& file);

/// A .model file's. @throws Error  names the file and what is wrong
PieceRules parse_piece_model(std::span<const std::uint8_t> bytes, const std::string& file);

}  // namespace trine::llm
