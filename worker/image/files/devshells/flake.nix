{
  description = "The shells in which Catapult builds sites that bring no flake of their own";

  # Only the zola shell needs it, and only then is it fetched: Debian has no Zola.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.05";

  outputs =
    { nixpkgs, ... }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      eachSystem = make: builtins.listToAttrs (map (system: { name = system; value = make system; }) systems);
      imageTools = "/usr/local/bin:/usr/bin:/bin";
      # A bare derivation, not mkShell: the tools are the image's, so that a shell costs no download.
      shell = system: name: path: derivation {
        inherit name system;
        builder = "/bin/bash";
        args = [ "-c" "echo > $out" ];
        outputs = [ "out" ];
        PATH = path;
      };
    in
    {
      devShells = eachSystem (system: {
        default = shell system "default" imageTools;
        sveltekit = shell system "sveltekit" imageTools;
        vite = shell system "vite" imageTools;
        zola = shell system "zola" "${nixpkgs.legacyPackages.${system}.zola}/bin:${imageTools}";
      });
    };
}
