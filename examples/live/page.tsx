import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Import } from "./import.tsx";

const root = document.querySelector("main");
if (root)
  createRoot(root).render(
    <StrictMode>
      <Import />
    </StrictMode>,
  );
