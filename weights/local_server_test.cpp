// The web server of the tests; part of the test program, not of the library.
#include "weights/local_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "kernels/error.h"

namespace limpid::testing {
namespace {

void send_all(int connection, const std::string& text) {
    for (size_t done = 0; done < text.size();) {
        const ssize_t put = ::send(connection, text.data() + done, text.size() - done, MSG_NOSIGNAL);
        if (put <= 0) return;
        done += size_t(put);
    }
}

}  // namespace

LocalServer::LocalServer(std::string content) : content_(std::move(content)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(socket_ >= 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(socket_, 8) == 0);
    CHECK(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
}

LocalServer::~LocalServer() {
    stop_ = true;
    thread_.join();
    ::close(socket_);
}

std::string LocalServer::url(const std::string& path) const { return concat("http://127.0.0.1:", port_, path); }

std::vector<std::string> LocalServer::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

void LocalServer::serve() {
    while (!stop_) {
        pollfd waiting{socket_, POLLIN, 0};
        if (::poll(&waiting, 1, 20) <= 0) continue;
        const int connection = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) continue;
        answer(connection);
        ::close(connection);
    }
}

void LocalServer::answer(int connection) {
    std::string request;
    while (request.find("\r\n\r\n") == request.npos) {
        char block[4096];
        const ssize_t got = ::recv(connection, block, sizeof block, 0);
        if (got <= 0) return;
        request.append(block, size_t(got));
    }
    const size_t path_start = request.find(' ') + 1;
    const std::string path = request.substr(path_start, request.find(' ', path_start) - path_start);
    const std::string range = "\r\nRange: bytes=";
    const size_t range_at = request.find(range);
    size_t from = range_at == request.npos ? 0 : std::stoul(request.substr(range_at + range.size()));
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(from == 0 ? path : concat(path, " from ", from));
    }
    const std::string end = "Connection: close\r\n\r\n";
    if (path == "/moved")
        return send_all(connection, "HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: 0\r\n" + end);
    if (path != "/good" && path != "/cut" && path != "/plain" && path != "/other") {
        return send_all(connection, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n" + end);
    }
    if (path == "/plain") from = 0;
    if (from > 0 && from >= content_.size()) {
        return send_all(connection, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n" + end);
    }
    std::string body = content_.substr(from);
    if (path == "/other") std::reverse(body.begin(), body.end());
    std::string head = from > 0 ? concat("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes ", from, "-",
                                         content_.size() - 1, "/", content_.size(), "\r\n")
                                : std::string("HTTP/1.1 200 OK\r\n");
    head += concat("Content-Length: ", body.size(), "\r\n");
    // The last bytes come whole, or cutting would never end.
    if (path == "/cut" && body.size() > content_.size() / 8) body.resize(body.size() / 2);
    send_all(connection, head + end + body);
}

}  // namespace limpid::testing
