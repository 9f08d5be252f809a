import { Link } from "@tanstack/react-router";
import { buttonClass } from "../ui/button.tsx";
import { EmptyState } from "../ui/empty-state.tsx";
import { NothingFoundArt } from "../ui/illustrations.tsx";

export function PageNotFound() {
  return (
    <main id="main" className="mx-auto max-w-xl px-4 py-16">
      <EmptyState
        art={<NothingFoundArt />}
        title="There is no such page"
        action={<Link to="/machines" className={buttonClass("primary")}>Go to Machines</Link>}
      >
        The address may be mistyped, or the page has moved.
      </EmptyState>
    </main>
  );
}
