// SPDX-License-Identifier: Apache-2.0
//
// SentencePiece tokenizers, which join pieces by score: .model files (a protobuf) and the
// vocabularies of GGUF files. A text is used as it is, except that spaces become U+2581. A
// character that no piece contains becomes the pieces of its bytes, if they exist.
//
// Source: sentencepiece_model.proto and README of github.com/google/sentencepiece; Kudo and
// Richardson, "SentencePiece" (2018). Debian's library is not linked, because it exports a protobuf
// library of its own with the same names as libprotobuf's.

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "components/llm/tokens/codec.h"

namespace trine::llm {

/// The types of pieces, numbered as in a .model file.
enum class PieceType { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };

/// A piece of the vocabulary.
struct Piece {
  std::string text;
  float score = 0;
  PieceType type = PieceType::kNormal;
};

/// The rules of a tokenizer.
struct PieceRules {
  std::vector<Piece> pieces;
  bool byte_fallback = false;
  bool add_dummy_prefix = true;          ///< adds a space before the text
  bool remove_extra_whitespaces = true;  ///< removes spaces at both ends and repeated ones
  bool escape_whitespaces = true;
  std::string unknown_text = " \xe2\x81\x87 ";  ///< U+2047
  int begin = -1;                               ///< token that begins texts; -1: none
};

/// Makes a codec. @throws Error  names the file and the piece
std::unique_ptr<TokenCodec> make_piece_codec(PieceRules rules, const std::string& file);

/// Parses a .model file. @throws Error  names the file and the fault
PieceRules parse_piece_model(std::span<const std::uint8_t> bytes, const std::string& file);

}  // namespace trine::llm
