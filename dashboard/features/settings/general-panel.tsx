import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { listOrgSettings } from "#protocol/api/tables.ts";
import { type Org, useOrg } from "../../org.tsx";
import { describeProblem } from "../../problem.ts";
import { session } from "../../session.ts";
import { CopyButton } from "../../ui/copy-button.tsx";
import { usePageTitle } from "../../ui/page-title.ts";
import { ProblemPanel } from "../../ui/problem-panel.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { DayText } from "../../ui/time-text.tsx";

const roleTexts: Record<Org["role"], string> = { owner: "Owner", admin: "Admin", member: "Member", auditor: "Auditor" };

export function GeneralPanel() {
  usePageTitle("General settings");
  const org = useOrg();
  return (
    <div className="grid gap-8">
      <Facts title="Organization">
        <Fact name="Name">{org.name}</Fact>
        <Fact name="Slug">
          <Copyable value={org.slug} what="slug" />
        </Fact>
        <Fact name="Organization ID">
          <Copyable value={org.id} what="organization ID" />
        </Fact>
        <Fact name="API URL">
          <Copyable value={location.origin} what="API URL" />
        </Fact>
        <Fact name="Your role">{roleTexts[org.role]}</Fact>
        <Fact name="Created">
          <DayText iso={org.created_at} />
        </Fact>
      </Facts>
      <NetworkFacts />
    </div>
  );
}

function NetworkFacts() {
  const org = useOrg();
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ["org-settings", org.id],
    queryFn: ({ signal }) => session.request(listOrgSettings, { org_id: org.id }, signal),
    select: (rows) => rows[0],
  });
  if (error !== null) {
    return (
      <ProblemPanel
        title="The network settings could not be read"
        text={describeProblem(error)}
        busy={isFetching}
        onRetry={() => void refetch()}
      />
    );
  }
  const wait = <Skeleton className="h-4 w-24" />;
  return (
    <Facts title="Network">
      <Fact name="Address pool">{data ? data.address_pool ?? "Default" : wait}</Fact>
      <Fact name="Machine limit">{data ? data.machine_quota ?? "Default" : wait}</Fact>
      <Fact name="Machine key expiry">{data ? `${data.key_expiry_days} days` : wait}</Fact>
      <Fact name="Subnet routing">{data ? onOff(data.allow_subnet_routing) : wait}</Fact>
      <Fact name="Exit nodes">{data ? onOff(data.allow_exit_nodes) : wait}</Fact>
      <Fact name="Taking over a machine's name">
        {data ? (data.reregistration === "name" ? "With any valid auth key" : "Only by the same machine") : wait}
      </Fact>
    </Facts>
  );
}

function Facts({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h2 className="mb-3 font-semibold">{title}</h2>
      <dl className="divide-y divide-line rounded-xl border border-line bg-surface shadow-card">{children}</dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="grid min-h-12 items-center gap-x-6 px-5 py-2 max-sm:py-3 sm:grid-cols-[14rem_1fr]">
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </div>
  );
}

function Copyable({ value, what }: { value: string; what: string }) {
  return (
    <span className="flex items-center gap-1">
      <span className="min-w-0 font-mono text-[0.8125rem] break-all">{value}</span>
      <CopyButton value={value} what={what} />
    </span>
  );
}

function onOff(on: boolean): string {
  return on ? "Allowed" : "Not allowed";
}
