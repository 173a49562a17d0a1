// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// For this package's tests: a pipe to read and one to write as one transport,
// so that what holds for connections can be asked of the two.

#ifndef EVKIT_NET_PIPES_DUPLEX_TESTING_H_
#define EVKIT_NET_PIPES_DUPLEX_TESTING_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/pipes/pipe_transport.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"

namespace evkit {

// Made when both halves are, lost when both are: with the error of the first
// that had one. The halves keep it, and its protocol.
class DuplexPipe final : public Transport,
                         public std::enable_shared_from_this<DuplexPipe> {
 public:
  static std::shared_ptr<DuplexPipe> New(AbstractEventLoop& loop,
                                         UniqueFd read_end, UniqueFd write_end,
                                         std::shared_ptr<Protocol> protocol) {
    const auto duplex = std::make_shared<DuplexPipe>();
    duplex->protocol_ = protocol;
    duplex->write_ =
        *NewWritePipeTransport(loop, std::move(write_end),
                               std::make_shared<WriteHalf>(duplex, protocol));
    duplex->read_ =
        *NewReadPipeTransport(loop, std::move(read_end),
                              std::make_shared<ReadHalf>(duplex, protocol));
    return duplex;
  }

  void Close() override {
    closing_ = true;
    read_->Close();
    write_->Close();
  }
  void Abort() override {
    closing_ = true;
    read_->Abort();
    write_->Abort();
  }
  bool IsClosing() const override {
    return closing_ || (read_->IsClosing() && write_->IsClosing());
  }
  absl::Status SetWriteBufferLimits(std::optional<size_t> high,
                                    std::optional<size_t> low) override {
    return write_->SetWriteBufferLimits(high, low);
  }
  WriteBufferLimits GetWriteBufferLimits() const override {
    return write_->GetWriteBufferLimits();
  }
  size_t GetWriteBufferSize() const override {
    return write_->GetWriteBufferSize();
  }
  AbstractEventLoop& loop() const override { return read_->loop(); }
  absl::Status Write(absl::string_view data) override {
    const auto self = shared_from_this();
    absl::Status status = write_->Write(data);
    EndIfNobodyReads(!data.empty());
    return status;
  }
  absl::Status WriteLines(absl::Span<const absl::string_view> pieces) override {
    const auto self = shared_from_this();
    absl::Status status = write_->WriteLines(pieces);
    EndIfNobodyReads(!pieces.empty());
    return status;
  }
  absl::Status WriteEof() override {
    eof_written_ = true;
    return write_->WriteEof();
  }
  bool CanWriteEof() const override { return write_->CanWriteEof(); }
  void PauseReading() override { read_->PauseReading(); }
  void ResumeReading() override { read_->ResumeReading(); }
  bool IsReading() const override { return !closing_ && read_->IsReading(); }
  void SetProtocol(std::shared_ptr<Protocol> protocol) override {
    protocol_ = protocol;
    read_->SetProtocol(
        std::make_shared<ReadHalf>(shared_from_this(), protocol));
    write_->SetProtocol(
        std::make_shared<WriteHalf>(shared_from_this(), std::move(protocol)));
  }
  std::shared_ptr<Protocol> GetProtocol() const override {
    return read_->GetProtocol() == nullptr && write_->GetProtocol() == nullptr
               ? nullptr
               : protocol_.lock();
  }

 protected:
  const void* DoGetExtraInfo(const void* key) const override {
    return read_->GetExtraInfoByAddress(key);
  }

 private:
  // What a half calls.
  class Half : public Protocol {
   public:
    Half(std::shared_ptr<DuplexPipe> duplex, std::shared_ptr<Protocol> protocol)
        : duplex_(std::move(duplex)), protocol_(std::move(protocol)) {}

    void ConnectionMade(std::shared_ptr<Transport>) override {
      if (++duplex_->made_ == 2) protocol_->ConnectionMade(duplex_);
    }

   protected:
    void Lost(Transport& other, const absl::Status& status) {
      if (duplex_->status_.ok()) duplex_->status_ = status;
      if (++duplex_->lost_ == 2) {
        protocol_->ConnectionLost(duplex_->status_);
      } else if (!status.ok()) {
        other.Abort();
      }
    }

    const std::shared_ptr<DuplexPipe> duplex_;
    const std::shared_ptr<Protocol> protocol_;
  };

  class ReadHalf final : public Half {
   public:
    using Half::Half;
    void DataReceived(absl::string_view data) override {
      protocol_->DataReceived(data);
    }
    BufferedProtocol* AsBufferedProtocol() override {
      return protocol_->AsBufferedProtocol();
    }
    bool EofReceived() override {
      // Also if it throws.
      const CloseAtEnd close(*duplex_);
      if (protocol_->EofReceived()) duplex_->keeps_open_ = true;
      return true;
    }
    void ConnectionLost(const absl::Status& status) override {
      Lost(*duplex_->write_, status);
    }

   private:
    class CloseAtEnd {
     public:
      explicit CloseAtEnd(DuplexPipe& duplex) : duplex_(duplex) {}
      ~CloseAtEnd() {
        if (!duplex_.keeps_open_) duplex_.Close();
      }

     private:
      DuplexPipe& duplex_;
    };
  };

  class WriteHalf final : public Half {
   public:
    using Half::Half;
    void PauseWriting() override { protocol_->PauseWriting(); }
    void ResumeWriting() override { protocol_->ResumeWriting(); }
    void ConnectionLost(const absl::Status& status) override {
      Lost(*duplex_->read_, status);
    }
  };

  // Who writes where nobody reads must hear of it, though it may not read.
  void EndIfNobodyReads(bool wrote) {
    if (wrote && !eof_written_ && write_->IsClosing()) read_->Abort();
  }

  std::weak_ptr<Protocol> protocol_;
  std::shared_ptr<Transport> read_;
  std::shared_ptr<Transport> write_;
  int made_ = 0;
  int lost_ = 0;
  absl::Status status_;
  bool closing_ = false;
  bool eof_written_ = false;
  bool keeps_open_ = false;
};

}  // namespace evkit

#endif  // EVKIT_NET_PIPES_DUPLEX_TESTING_H_
