import { QueryClient } from "@tanstack/react-query";
import { ZtnaError } from "#protocol/errors.ts";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) => error instanceof ZtnaError && error.retry && failures < 2,
      retryDelay: (failures) => Math.min(400 * 2 ** failures, 4000),
      staleTime: 5000,
      // A failed request says so itself; the browser's own guess of being offline does not stop one to localhost.
      networkMode: "always",
    },
    mutations: { retry: false, networkMode: "always" },
  },
});
