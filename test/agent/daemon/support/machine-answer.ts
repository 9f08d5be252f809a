/** What a control plane answers to a registration. */
export const machineAnswer = {
  machine_id: "33333333-2222-4333-8444-555555555555",
  tailnet_ip: "100.64.0.7",
  org_id: "22222222-2222-4333-8444-555555555555",
  name: "laptop",
  node_key: "ab".repeat(32),
  status: "online",
  wg_public_key: "P".repeat(43) + "=",
  wg_private_key: "",
  token: "t",
  refresh_token: "",
  expires_in: 86_400,
  reactivated: false,
};
