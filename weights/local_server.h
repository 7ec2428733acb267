// A web server on this machine for the tests of downloading: serves one file, well or badly.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace limpid::testing {

// Paths: /good answers ranges; /cut closes the connection after half of what is asked; /plain knows no ranges; /other
// serves another file of the same length; /moved redirects to /good; anything else is 404.
class LocalServer {
  public:
    explicit LocalServer(std::string content);
    ~LocalServer();
    LocalServer(const LocalServer&) = delete;
    LocalServer& operator=(const LocalServer&) = delete;

    std::string url(const std::string& path) const;
    // One entry a request: "/good", or "/good from 1234".
    std::vector<std::string> requests() const;

  private:
    void serve();
    void answer(int connection);

    std::string content_;
    int socket_ = -1, port_ = 0;
    std::atomic<bool> stop_{false};
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    std::thread thread_;
};

}  // namespace limpid::testing
