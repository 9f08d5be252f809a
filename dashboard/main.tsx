import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "./query-client.ts";
import { reloadForMissingChunks } from "./missing-chunks.ts";
import { router } from "./router.tsx";
import { session } from "./session.ts";
import "./style.css";
import { Toaster } from "./ui/toaster.tsx";

reloadForMissingChunks();

let userId = session.access?.userId;
session.subscribe(() => {
  if (session.access?.userId === userId) return;
  // Another person, or nobody: nothing of the one before may stay in memory or on screen.
  userId = session.access?.userId;
  queryClient.clear();
  void router.invalidate();
});

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
      <Toaster />
    </QueryClientProvider>
  </StrictMode>,
);
